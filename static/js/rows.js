// Keys in a list of tasks or prospects: J and K walk the rows, X ticks, Shift X ticks all
// from the row that was ticked last, B leads to what can be done with those, O opens, Esc
// clears the ticks.
// The row in use is the one that has the focus, so nothing else has to be remembered.
// Without this file Tab, Space and Enter do the same.

const ROW = ".tasklist tbody tr:not(.group)";
const rows = () => [...document.querySelectorAll(ROW)];
const opener = (row) => row?.querySelector(".cell-main__title");

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
  b: () => bar()?.focus(),
  escape: () => document.querySelector(".tasklist:has(tbody :checked) [data-clear]")?.click(),
};

function tick(shiftKey) {
  const box = current()?.closest("tr").querySelector(".check");
  box?.dispatchEvent(new MouseEvent("click", { bubbles: true, cancelable: true, shiftKey }));
}

/** The first thing to press in the bar for ticked rows, while it is there. */
function bar() {
  const all = [...document.querySelectorAll(".bulkbar :is(a, button, input)")];
  return all.find((each) => each.getClientRects().length > 0);
}

// The bar goes with the ticks: the focus goes back to the row that had it last.
document.addEventListener("click", (event) => {
  if (!event.target.closest?.("[data-clear]") || !document.activeElement.closest(".bulkbar")) return;
  current()?.focus({ preventScroll: event.detail > 0 });
});

/** The title in the row with the focus, else in the one that had it last. */
function current() {
  const row = document.activeElement.closest?.(ROW) ?? document.getElementById(last);
  return opener(row);
}

document.addEventListener("single-key", (event) => {
  const act = keys[event.detail];
  if (!act || !document.querySelector(".tasklist")) return;
  act();
  event.preventDefault();
});

// A filter that was taken away takes the focus with it: on to the next one, or the search.
const FILTERS = [".chips .chip__x", ".empty__ways a", "#empty-clear", "#chips-clear"];
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
