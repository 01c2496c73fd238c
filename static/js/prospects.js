// The list of prospects: tick all of a page, say how many. The import: read the chosen
// file at once. Without this file each box is ticked by itself and a button reads.

function tell(form) {
  const boxes = [...form.querySelectorAll("tbody .check")];
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

document.addEventListener("change", (event) => {
  const form = event.target.closest("[data-select]");
  if (form) {
    if (event.target.matches("[data-select-all]")) {
      for (const box of form.querySelectorAll("tbody .check")) {
        box.checked = event.target.checked;
      }
    }
    tell(form);
  }
  const upload = event.target.closest("[data-upload]");
  if (upload && event.target.files?.length) upload.requestSubmit();
});

document.addEventListener("reset", (event) => {
  // The boxes are cleared only after this event.
  if (event.target.matches("[data-select]")) setTimeout(() => tell(event.target));
});

document.addEventListener("htmx:afterSettle", tellAll);
document.addEventListener("DOMContentLoaded", tellAll);
if (document.readyState !== "loading") tellAll();
