// Keys in a list of tasks: J and K walk the rows, X ticks, Shift X ticks all from the row
// that was ticked last, O opens, Esc clears the ticks.
// The row in use is the one that has the focus, so nothing else has to be remembered.
// Without this file Tab, Space and Enter do the same.

const ROW = "#task-list tbody tr:not(.group)";
const rows = () => [...document.querySelectorAll(ROW)];
const opener = (row) => row?.querySelector("[data-drawer]");

// Where the focus was last: opening a menu or a panel takes it away for a while.
let last = "";
document.addEventListener("focusin", (event) => {
  const row = event.target.closest?.(ROW);
  if (row) last = row.id;
});

function walk(step) {
  const all = rows();
  const here = all.indexOf(document.activeElement.closest?.(ROW));
  const before = all.findIndex((row) => row.id === last);
  const from = here >= 0 ? here : before;
  const to = from < 0 ? (step > 0 ? 0 : all.length - 1) : from + step;
  const row = all[Math.max(0, Math.min(to, all.length - 1))];
  opener(row)?.focus();
  row?.scrollIntoView({ block: "nearest" });
  return Boolean(row);
}

const keys = {
  j: () => walk(1),
  k: () => walk(-1),
  o: () => current()?.click(),
  x: () => tick(false),
  "shift x": () => tick(true),
  escape: () => document.querySelector("#task-list:has(tbody :checked) [data-clear]")?.click(),
};

function tick(shiftKey) {
  const box = current()?.closest("tr").querySelector(".check");
  box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey }));
}

/** The title in the row with the focus, else in the one that had it last. */
function current() {
  const row = document.activeElement.closest?.(ROW) ?? document.getElementById(last);
  return opener(row);
}

document.addEventListener("single-key", (event) => {
  const act = keys[event.detail];
  if (!act || !document.getElementById("task-list")) return;
  act();
  event.preventDefault();
});

// A filter that was taken away takes the focus with it: on to the next one, or the search.
const FILTERS = ["#task-chips .chip__x", ".empty__ways a"];
let gone = null; // of which kind, and how many of it came before
document.addEventListener("htmx:beforeSwap", (event) => {
  const link = event.detail.requestConfig?.elt;
  const kind = FILTERS.find((each) => link?.closest?.(each));
  gone = kind ? { kind, place: [...document.querySelectorAll(kind)].indexOf(link) } : null;
});
document.addEventListener("htmx:afterSettle", () => {
  if (!gone) return;
  const left = [...document.querySelectorAll(gone.kind)];
  (left[Math.min(gone.place, left.length - 1)] ?? document.getElementById("q"))?.focus();
  gone = null;
});

// The menu of the list goes by the address, which filters have changed since it was loaded.
const copy = document.querySelector("[data-copy-link]");
if (copy && navigator.clipboard) copy.hidden = false;
document.getElementById("list-menu")?.addEventListener("beforetoggle", (event) => {
  if (event.newState !== "open") return;
  for (const link of event.target.querySelectorAll("[data-of-this-list]")) {
    link.search = location.search;
  }
});
copy?.addEventListener("click", async () => {
  document.getElementById("list-menu").hidePopover();
  try {
    await navigator.clipboard.writeText(location.href);
    window.toast("Copied. Who may see these tasks can open the link.", "green");
  } catch {
    window.toast("Not copied: the browser does not allow it. Copy the address.", "red");
  }
});
