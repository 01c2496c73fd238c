// Ticked rows of the list: a whole page, a range with Shift, all that match. The dialog
// that says what will be done. Without this file each row is ticked by itself, and the
// buttons lead to a page of their own.

const ticked = new Set();
let last = ""; // value of the row that was ticked last

const list = () => document.getElementById("task-list");
const boxes = () => [...(list()?.querySelectorAll("tbody .check") ?? [])];
const all = () => document.getElementById("all-that-match");

function tell() {
  const rows = boxes();
  const count = rows.filter((box) => box.checked).length;
  const words = list()?.querySelector("[data-count]");
  const matching = document.getElementById("match-count")?.dataset.words;
  if (words) words.textContent = all()?.checked ? matching : count;
  const page = list()?.querySelector("[data-page]");
  if (page) {
    page.hidden = false;
    page.checked = count > 0 && count === rows.length;
    page.indeterminate = count > 0 && count < rows.length;
  }
  const clear = list()?.querySelector("[data-clear]");
  if (clear) clear.hidden = false;
}

function tick(box, on) {
  box.checked = on;
  if (on) ticked.add(box.value);
  else ticked.delete(box.value);
}

function clear() {
  for (const box of boxes()) tick(box, false);
  if (all()) all().checked = false;
  ticked.clear();
  last = "";
  tell();
}

document.addEventListener("click", (event) => {
  const box = event.target.closest?.("#task-list tbody .check");
  if (box) {
    const rows = boxes();
    const begun = rows.findIndex((one) => one.value === last);
    if (event.shiftKey && begun >= 0) {
      const [from, to] = [begun, rows.indexOf(box)].sort((a, b) => a - b);
      for (const one of rows.slice(from, to + 1)) tick(one, box.checked);
    }
    tick(box, box.checked);
    last = box.value;
    if (!box.checked && all()) all().checked = false;
    tell();
  }
  if (event.target.closest?.("[data-clear]")) clear();
});

document.addEventListener("change", (event) => {
  if (event.target.matches("#task-list [data-page]")) {
    for (const box of boxes()) tick(box, event.target.checked);
    if (!event.target.checked && all()) all().checked = false;
    tell();
  }
  if (event.target === all()) {
    if (event.target.checked) for (const box of boxes()) tick(box, true);
    tell();
  }
});

// A row that was brought up to date stays ticked; another list begins without ticks.
document.addEventListener("htmx:oobAfterSwap", (event) => {
  const box = document.getElementById(event.detail.target?.id)?.querySelector?.(".check");
  if (box && ticked.has(box.value)) box.checked = true;
  tell();
});
document.addEventListener("htmx:afterSwap", (event) => {
  if (["task-list", "task-view"].includes(event.target.id)) {
    ticked.clear();
    last = "";
  }
  tell();
});

// -- the dialog -------------------------------------------------------------------------

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target.id === "bulk-dialog" && !event.target.open) event.target.showModal();
});

// It is done, and the list is loaded again: a browser would bring the ticks back.
document.addEventListener("htmx:beforeOnLoad", (event) => {
  if (event.detail.xhr.getResponseHeader("HX-Refresh")) clear();
});

document.addEventListener("click", (event) => {
  const close = event.target.closest?.("#bulk-dialog [data-close]");
  if (!close) return;
  event.preventDefault();
  document.getElementById("bulk-dialog").close();
});

// A browser may bring back what was ticked, later than this file is read.
window.addEventListener("pageshow", () => {
  for (const box of boxes()) if (box.checked) ticked.add(box.value);
  tell();
});
