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

// Seen again: what waited for that looks at once.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) return;
  for (const watch of document.querySelectorAll("[data-watch]")) look(watch);
});
