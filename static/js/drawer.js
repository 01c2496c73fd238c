// One task over the list, and the menu of a row. The address is that of the task; Esc,
// Back and the button lead to the list again. Without this file both are pages.

const drawer = document.getElementById("task-drawer");
const menu = document.getElementById("row-menu");
let stepped = false;
let leaving = false;
let opening = ""; // the task asked for last: no other answer opens what was closed

const panel = () => document.getElementById("task-panel");
const load = (address, target) =>
  window.htmx.ajax("GET", address, { target, swap: "innerHTML" });
const plain = (event) =>
  event.button || event.metaKey || event.ctrlKey || event.shiftKey || event.altKey;

document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[data-drawer], a[data-row-menu]");
  if (event.target.closest?.("#task-drawer [data-close]")) drawer.close();
  if (!link || plain(event) || !window.htmx) return;
  event.preventDefault();
  if (link.matches("[data-row-menu]")) {
    menu.dataset.task = link.id;
    menu.replaceChildren();
    // The menu stands beside what opened it.
    menu.showPopover({ source: link });
    load(link.getAttribute("href"), "#row-menu");
  } else {
    menu.hidePopover();
    opening = link.getAttribute("href");
    load(opening, "#task-drawer");
  }
});

// Of a task that is read again nothing moves: the text stays where it was scrolled to.
let before = { task: "", top: 0 };
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target !== drawer) return;
  before = { task: panel()?.dataset.task, top: drawer.querySelector(".dialog__body")?.scrollTop };
});

document.addEventListener("htmx:afterSwap", (event) => {
  if (event.target === menu) {
    menu.querySelector("a, button, input, select, textarea")?.focus();
    return;
  }
  if (event.target !== drawer) return;
  if (!drawer.open && event.detail.requestConfig?.path !== opening) {
    drawer.replaceChildren();
    return;
  }
  const address = panel()?.dataset.address;
  if (!drawer.open) {
    opening = "";
    drawer.showModal();
    if (address) history.pushState({ drawer: address }, "", address);
    stepped = Boolean(address);
  } else if (address) {
    history.replaceState({ drawer: address }, "", address);
  }
  const body = drawer.querySelector(".dialog__body");
  const same = before.task === panel()?.dataset.task && body && before.top !== undefined;
  if (same) body.scrollTop = before.top;
  if (!same || !drawer.contains(document.activeElement)) {
    drawer.querySelector("#drawer-title")?.focus({ preventScroll: same });
  }
});

menu?.addEventListener("toggle", (event) => {
  if (event.newState !== "closed") return;
  if (menu.contains(document.activeElement) || document.activeElement === document.body) {
    document.getElementById(menu.dataset.task)?.focus();
  }
  menu.replaceChildren();
});

drawer?.addEventListener("click", (event) => {
  if (event.target === drawer) drawer.close();
});

drawer?.addEventListener("close", () => {
  const task = panel()?.dataset.task;
  drawer.replaceChildren();
  document.getElementById(`open-${task}`)?.focus();
  if (stepped) {
    leaving = true;
    history.back();
  }
  stepped = false;
});

// Before htmx hears of it: coming back from a task needs nothing from the server.
window.addEventListener(
  "popstate",
  (event) => {
    if (leaving) {
      leaving = false;
      event.stopImmediatePropagation();
    } else if (drawer?.open) {
      event.stopImmediatePropagation();
      stepped = false;
      drawer.close();
    } else if (event.state?.drawer) {
      event.stopImmediatePropagation();
      location.reload();
    }
  },
  { capture: true },
);

document.addEventListener("task-left", () => {
  if (menu?.matches(":popover-open")) menu.hidePopover();
  if (drawer?.open) drawer.close();
});
