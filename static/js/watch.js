// What looks again by itself (`data-watch`) waits while nobody can see it, while the menu of
// a row is open, and while the pointer is on its way to something that can be pressed: a
// press must never meet another one than was seen. Without htmx nothing looks again.

const AIMING = 1500; // ms: a pointer that rests for longer presses nothing
const CAN_BE_PRESSED =
  "#task-list :active, [data-live] :is(a, button, summary):hover";

let movedAt = 0;
document.addEventListener("pointermove", () => (movedAt = Date.now()), { passive: true });

const look = (watch) => window.htmx.trigger(watch, "look");
const busy = () =>
  document.querySelector("#row-menu:popover-open") !== null ||
  (Date.now() - movedAt < AIMING && document.querySelector(CAN_BE_PRESSED) !== null);

document.addEventListener("htmx:beforeRequest", (event) => {
  const watch = event.target;
  if (!watch.matches?.("[data-watch]") || event.detail.elt !== watch) return;
  if (!document.hidden && !busy()) return;
  event.preventDefault();
  if (!document.hidden) setTimeout(() => watch.isConnected && look(watch), AIMING);
});

// A row that is not on the page (of a panel that went past it) is not to be answered.
document.addEventListener("htmx:configRequest", ({ detail }) => {
  if (detail.verb !== "post") return;
  const rows = [...document.querySelectorAll("#task-list tbody tr[id]")];
  detail.headers["Baton-Rows"] = rows.map((row) => row.id.slice("row-".length)).join();
});

// Each action adds a watch of its own. One looks after all that are on the page: the newest,
// which htmx has not set going yet.
function gather(place) {
  const watches = [...place.querySelectorAll("[data-watch]")];
  const newest = watches.at(-1);
  if (!newest) return;
  const asked = watches.reverse().map((watch) => new URL(watch.getAttribute("hx-get"), location));
  const marks = new Map();
  for (const { searchParams } of asked) {
    const as = searchParams.get("as").split(",");
    for (const [place, id] of searchParams.get("ids").split(",").entries()) {
      if (!marks.has(id) && document.getElementById(`row-${id}`)) marks.set(id, as[place]);
    }
  }
  const address = asked[0];
  address.searchParams.set("ids", [...marks.keys()].join());
  address.searchParams.set("as", [...marks.values()].join());
  newest.setAttribute("hx-get", address.pathname + address.search);
  newest.setAttribute("hx-trigger", soonest(watches).getAttribute("hx-trigger"));
  for (const watch of watches) if (watch !== newest || marks.size === 0) watch.remove();
}

const delay = (watch) => Number(/delay:(\d+)/.exec(watch.getAttribute("hx-trigger"))[1]);
const soonest = (watches) => watches.reduce((a, b) => (delay(b) < delay(a) ? b : a));

document.addEventListener("htmx:oobAfterSwap", (event) => {
  if (event.detail.target?.id === "row-watch") gather(event.detail.target);
});

// Seen again: what waited for that looks at once.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const watch of document.querySelectorAll("[data-watch]")) look(watch);
});
