// Keys for the whole frame, and the dialogs they open. A link or button says its own key:
// `data-key="n"`, or `data-key="g t"` for two in a row. Single keys can be turned off
// (`data-keys="off"` on the body); Ctrl K and Ctrl Z stay. In a dialog only its own keys count, and
// only where it asks for them (`data-own-keys`). A key that nothing here has is passed on
// as the event `single-key`. Without this file all of it are links.

const PAUSE = 1200; // ms between two keys that belong together

const typing = (element) =>
  element.closest?.(
    "input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable]",
  );

export function show(id) {
  const dialog = document.getElementById(id);
  if (!dialog || dialog.open) return Boolean(dialog);
  for (const other of document.querySelectorAll("dialog[open]:not([data-own-keys])")) {
    other.close();
  }
  for (const menu of document.querySelectorAll(":popover-open")) menu.hidePopover();
  dialog.showModal();
  return true;
}

/** Press the newest Undo: it stands last on the page, and not for long. */
function undo() {
  const button = [...document.querySelectorAll("#toasts [data-undo] button")].at(-1);
  button?.click();
  return Boolean(button);
}

document.addEventListener("click", (event) => {
  const opener = event.target.closest("[data-opens]");
  if (opener && !event.ctrlKey && !event.metaKey && !event.shiftKey) {
    if (show(opener.dataset.opens)) event.preventDefault();
    return;
  }
  if (event.target.closest("[data-closes]")) event.target.closest("dialog").close();
  // A press beside the dialog hits its backdrop.
  if (event.target.matches("#palette, #shortcuts")) event.target.close();
});

let first = "";
let firstAt = 0;

document.addEventListener("keydown", (event) => {
  const key = event.key.toLowerCase();
  if ((event.ctrlKey || event.metaKey) && !event.altKey && !event.shiftKey) {
    if (key === "k" && show("palette")) event.preventDefault();
    if (key === "z" && !event.repeat && !typing(event.target) && undo()) event.preventDefault();
    return;
  }
  if (document.body.dataset.keys === "off" || event.defaultPrevented) return;
  if (event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  if (event.repeat || typing(event.target)) return;
  if (document.querySelector(".menu:popover-open")) return;
  const dialog = [...document.querySelectorAll("dialog[open]")].at(-1);
  if (dialog && !dialog.matches("[data-own-keys]")) return;
  const where = dialog ?? document;
  const pair = Date.now() - firstAt < PAUSE ? `${first} ${key}` : "";
  first = "";
  if (key === "/" && show("palette")) return event.preventDefault();
  if (key === "?" && show("shortcuts")) return event.preventDefault();
  const wanted = (name) => name && where.querySelector(`[data-key="${CSS.escape(name)}"]`);
  const target = wanted(pair) || wanted(key);
  if (target) {
    event.preventDefault();
    // Closing a menu gives the focus back to where it was: better there than nowhere.
    if (target.popoverTargetElement && document.activeElement === document.body) target.focus();
    target.click();
  } else if (where.querySelector(`[data-key^="${CSS.escape(key)} "]`)) {
    [first, firstAt] = [key, Date.now()];
  } else if (!dialog) {
    const detail = event.shiftKey && /^[a-z]$/.test(key) ? `shift ${key}` : key;
    const passed = new CustomEvent("single-key", { detail, cancelable: true });
    if (!document.dispatchEvent(passed)) event.preventDefault();
  }
});
