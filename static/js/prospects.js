// The list of prospects: tick a range with Shift, all of a page, say how many. The import:
// read the chosen file at once. Without this file each box is ticked by itself and a button reads.

let last = ""; // value of the box that was ticked last

const boxesOf = (form) => [...form.querySelectorAll("tbody .check")];

function tell(form) {
  const boxes = boxesOf(form);
  const count = boxes.filter((box) => box.checked).length;
  const words = form.querySelector("[data-count]");
  if (words) words.textContent = `${count} selected`;
  const all = form.querySelector("[data-select-all]");
  if (!all) return;
  all.hidden = false;
  all.checked = count > 0 && count === boxes.length;
  all.indeterminate = count > 0 && count < boxes.length;
}

function tellAll() {
  for (const form of document.querySelectorAll("[data-select]")) tell(form);
}

// Before "change", which tells how many.
document.addEventListener("click", (event) => {
  const box = event.target.closest?.("[data-select] tbody .check");
  if (!box) return;
  const boxes = boxesOf(box.form);
  const begun = boxes.findIndex((one) => one.value === last);
  if (event.shiftKey && begun >= 0) {
    const [from, to] = [begun, boxes.indexOf(box)].sort((a, b) => a - b);
    for (const one of boxes.slice(from, to + 1)) one.checked = box.checked;
  }
  last = box.value;
});

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-select]");
  if (form) {
    if (event.target.matches("[data-select-all]")) {
      for (const box of boxesOf(form)) box.checked = event.target.checked;
    }
    tell(form);
  }
  const upload = event.target.closest("[data-upload]");
  if (upload && event.target.files?.length) upload.requestSubmit();
});

document.addEventListener("reset", (event) => {
  // The boxes are cleared only after this event.
  if (!event.target.matches("[data-select]")) return;
  last = "";
  setTimeout(() => tell(event.target));
});

document.addEventListener("htmx:afterSettle", (event) => {
  if (["prospect-list", "prospect-view"].includes(event.target.id)) last = "";
  tellAll();
});
document.addEventListener("DOMContentLoaded", tellAll);
// A browser may bring back what was ticked, later than this file is read.
window.addEventListener("pageshow", tellAll);
