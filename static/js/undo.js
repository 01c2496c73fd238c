// Undo stands only while there is time for it, and what somebody types is not swapped
// away. Without this file the server says when it is too late.

const TIME = 6500;

function watch() {
  for (const form of document.querySelectorAll("[data-undo]:not([data-watched])")) {
    form.dataset.watched = "";
    setTimeout(() => {
      const toast = form.closest(".toast");
      if (form.matches(".htmx-request")) return;
      if (!toast?.contains(document.activeElement)) toast?.remove();
      else form.remove();
    }, TIME);
  }
}

// The toast has done its work once the answer is there: htmx needs it until then. Without
// an answer it stays, for another try.
document.addEventListener("htmx:afterRequest", (event) => {
  const form = event.target;
  if (!form.matches?.("[data-undo]") || !event.detail.successful) return;
  const toast = form.closest(".toast");
  const task = /\/tasks\/(\d+)\//.exec(form.getAttribute("action"))?.[1];
  if (toast?.contains(document.activeElement)) {
    const back = document.getElementById("drawer-title") ?? document.getElementById(`open-${task}`);
    back?.focus();
  }
  toast?.remove();
});

// A form that has done its work closes before its page is read again.
document.addEventListener(
  "task-changed",
  (event) => {
    const menu = event.target.closest?.("[popover]");
    if (menu?.matches(":popover-open")) menu.hidePopover();
    event.target.closest?.("details")?.removeAttribute("open");
  },
  { capture: true },
);

document.addEventListener("htmx:beforeRequest", (event) => {
  const live = event.target;
  if (!live.matches?.("[data-live]") || event.detail.requestConfig.verb !== "get") return;
  const typing = live.querySelector(":popover-open form, details[open] textarea");
  if (typing && event.detail.requestConfig.triggeringEvent?.type === "task-changed") {
    event.preventDefault();
  }
});

// What was opened in a task stays open when the same task is read again.
const liveIn = (part) => (part.matches?.("[data-live]") ? part : part.querySelector?.("[data-live]"));
let open = { ids: [] };
document.addEventListener("htmx:beforeSwap", (event) => {
  const live = liveIn(event.detail.target);
  if (!live) return;
  const ids = [...live.querySelectorAll("details[open][id]")].map((each) => each.id);
  open = { task: live.dataset.task, ids };
});
document.addEventListener("htmx:afterSwap", () => {
  const live = document.querySelector("[data-live]");
  if (live?.dataset.task === open.task) {
    for (const id of open.ids) document.getElementById(id)?.setAttribute("open", "");
  }
  open = { ids: [] };
});

document.addEventListener("htmx:afterSettle", watch);
watch();
