// The week: a task that is dragged to another day or row is moved there. The arrow beside
// each task leads to a page that does the same, without this file, a mouse or a pointer.

const form = document.getElementById("week-drop");
let slot = null;

const cellOf = (event) => event.target.closest?.(".week__cell");
// Some vendors move no day, others no person: only where it can go does a cell take it.
const takes = (cell) => {
  const from = slot.closest(".week__cell");
  const can = slot.dataset.can.split(" ");
  if (!cell || cell === from) return false;
  if (cell.dataset.day !== from.dataset.day && !can.includes("day")) return false;
  if (cell.dataset.who === from.dataset.who) return true;
  return can.includes("person") && /^\d+$/.test(cell.dataset.who);
};
const mark = (cell) => {
  for (const old of document.querySelectorAll("[data-drop]")) delete old.dataset.drop;
  if (cell) cell.dataset.drop = "";
};

for (const each of document.querySelectorAll(".slot[data-move]")) {
  each.draggable = true;
  // A link would be dragged by itself, as an address.
  for (const link of each.querySelectorAll("a")) link.draggable = false;
}

document.addEventListener("dragstart", (event) => {
  slot = event.target.closest?.(".slot[data-move]");
  if (!slot) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", slot.textContent.trim());
});

document.addEventListener("dragover", (event) => {
  const cell = slot && cellOf(event);
  const there = Boolean(cell) && takes(cell);
  mark(there ? cell : null);
  if (there) event.preventDefault();
});

document.addEventListener("dragend", () => {
  mark(null);
  slot = null;
});

document.addEventListener("drop", (event) => {
  const to = slot && cellOf(event);
  if (!to) return;
  event.preventDefault();
  if (!takes(to)) return;
  const from = slot.closest(".week__cell");
  form.action = slot.dataset.move;
  form.elements.version.value = slot.dataset.version;
  // Only what changes travels.
  form.elements.day.value = to.dataset.day === from.dataset.day ? "" : to.dataset.day;
  form.elements.who.value = to.dataset.who === from.dataset.who ? "" : to.dataset.who;
  form.submit();
});
