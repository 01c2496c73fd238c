// Keeps a region fresh: `data-refresh` is every how many seconds. Only while the page
// can be seen, and never under a pointer or while a key is at work in it: then it waits
// until they have left. Without this file the page is as old as its loading.

const readAt = new Map(); // id of a region → when it was read last

const busy = (region) =>
  region.matches(":hover") ||
  region.querySelector("dialog[open], :popover-open") !== null ||
  region.querySelector(":focus-visible") !== null;

function look() {
  if (document.hidden) return;
  const now = Date.now();
  for (const region of document.querySelectorAll("[data-refresh][id]")) {
    if (!readAt.has(region.id)) readAt.set(region.id, now);
    const over = now - readAt.get(region.id) >= Number(region.dataset.refresh) * 1000;
    if (!over || busy(region)) continue;
    readAt.set(region.id, now);
    window.htmx.trigger(region, "refresh");
  }
}

setInterval(look, 1000);
document.addEventListener("visibilitychange", look);

// A part that reads itself again by itself (`data-calm`) waits while a link or button of it is
// under the pointer or has the focus, or a menu of it is open: a press must never meet
// another one than was seen.
// All such parts of a page wait together: the last answer may end the asking.
const AIMED =
  "[data-calm] :is(a, button, summary):is(:hover, :focus-visible), [data-calm] :popover-open";
const held = (part) => part?.matches?.("[data-calm]") && document.querySelector(AIMED) !== null;
for (const name of ["htmx:beforeSwap", "htmx:oobBeforeSwap"]) {
  document.addEventListener(name, (event) => {
    if (held(event.detail.target)) event.detail.shouldSwap = false;
  });
}

// What was opened stays open.
let open = [];
document.addEventListener("htmx:beforeSwap", (event) => {
  const region = event.detail.target;
  if (!region.matches?.("[data-refresh], [data-calm]")) return;
  if (busy(region) && event.detail.requestConfig.triggeringEvent?.type === "refresh") {
    event.detail.shouldSwap = false;
    readAt.set(region.id, 0);
    return;
  }
  open = [...region.querySelectorAll("details[open][id]")].map((each) => each.id);
});
document.addEventListener("htmx:afterSwap", () => {
  for (const id of open) document.getElementById(id)?.setAttribute("open", "");
  open = [];
});
