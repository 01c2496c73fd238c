// Keeps a region fresh: `data-refresh` is every how many seconds. Only while the page
// can be seen, and never while somebody is at work in it: a pointer that moves or is aimed
// at something, a key, an open dialog. A pointer that was left lying there does not count,
// nor a focus on what stays the same (`data-stays`, with an id): it gets its focus back.
// Without this file the page is as old as its loading.

const RESTS = 10_000; // ms without a move after which a pointer only lies there

const readAt = new Map(); // id of a region → when it was read last
let movedAt = -RESTS;
for (const name of ["pointermove", "pointerdown", "wheel"]) {
  const moved = () => {
    movedAt = performance.now();
  };
  document.addEventListener(name, moved, { passive: true });
}

// By touch what was pressed last stays "hovered": there only the moment counts.
const hovers = matchMedia("(hover: hover)");
const pointed = (region) => {
  if (!region.matches(":hover")) return false;
  if (performance.now() - movedAt < RESTS) return true;
  const aimed = ":is(a, button, summary, input, select, label, textarea):hover";
  return hovers.matches && region.querySelector(aimed) !== null;
};

const busy = (region) =>
  pointed(region) ||
  region.querySelector("dialog[open], :popover-open") !== null ||
  region.querySelector(":focus-visible:not([data-stays])") !== null;

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

// A part that reads itself again by itself (`data-calm`) waits while nobody can see it, and
// while something in it is aimed at: a press must never meet another one than was seen. A
// link with an id, and a button that says so (`data-stays`), stays what it is and gets its
// focus back; another button may come to mean another thing.
const AIMED =
  ":is(a, button, summary):hover, :popover-open, " +
  ":is(button:not([data-stays]), summary, a:not([id])):focus-visible";
const calm = (part) => part?.matches?.("[data-calm]");
const aimed = (part) => part.querySelector(AIMED) !== null;

document.addEventListener("htmx:beforeRequest", (event) => {
  const part = event.detail.elt;
  if (calm(part) && (document.hidden || aimed(part))) event.preventDefault();
});

// What is aimed at stays out of an answer. The last answer waits for it, too: nothing would
// bring the rest later.
document.addEventListener("htmx:beforeSwap", (event) => {
  const { target, serverResponse } = event.detail;
  if (!calm(target)) return;
  const last = !serverResponse.includes('hx-trigger="every');
  const parts = last ? [...document.querySelectorAll("[data-calm]")] : [target];
  if (parts.some(aimed)) event.detail.shouldSwap = false;
});
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const { target } = event.detail;
  if (calm(target) && aimed(target)) event.detail.shouldSwap = false;
});
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

// The tabs over a list are answered with it; what the sidebar shows of the same follows.
function followTabs() {
  const todo = document.querySelector("#tab-todo .count");
  if (todo) say("nav-tasks", todo.textContent);
  for (const tab of document.querySelectorAll("[id^=tab-view-]")) {
    const id = tab.id.slice("tab-view-".length);
    const link = document.getElementById(`nav-view-${id}`);
    if (tab.hasAttribute("aria-current")) link?.setAttribute("aria-current", "page");
    else link?.removeAttribute("aria-current");
    say(`nav-view-count-${id}`, tab.querySelector(".count")?.textContent);
  }
}

function say(id, words) {
  const count = document.getElementById(id);
  if (count && words) count.textContent = words.trim() === "0" ? "" : words.trim();
}

// On a small screen the tabs stay where they were pushed to.
let pushed = 0;
document.addEventListener("htmx:oobBeforeSwap", ({ detail }) => {
  if (detail.target.id === "task-tabs") pushed = detail.target.scrollLeft;
});
document.addEventListener("htmx:oobAfterSwap", ({ detail }) => {
  if (detail.target.id === "task-tabs") document.getElementById("task-tabs").scrollLeft = pushed;
});

for (const name of ["htmx:afterSettle", "htmx:oobAfterSwap"]) {
  document.addEventListener(name, (event) => {
    if (event.detail.target?.closest?.("#task-view, #task-tabs, #nav-views")) followTabs();
  });
}
