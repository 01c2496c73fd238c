// New task: variables at the caret, Ctrl+Enter, Ctrl+S, no accident with Enter, and a
// form that says when it could not be saved.
// Without this file every part works with the buttons of the form.

const form = document.getElementById("new-task");

/** Put a variable where the caret stands. */
function insert(button) {
  const bar = button.closest("[data-insert-into]");
  const text = document.getElementById(bar.dataset.insertInto);
  text.setRangeText(`{{${button.dataset.insert}}}`, text.selectionStart, text.selectionEnd, "end");
  text.focus();
  text.dispatchEvent(new Event("change", { bubbles: true }));
}

function showBars() {
  for (const each of document.querySelectorAll("[data-insert-into], [data-swap]")) {
    each.hidden = false;
  }
}

/** Put the day of a button into its field; the time that stands there stays. */
function pick(button) {
  const field = document.getElementById(button.dataset.pick);
  const [name, day] = button.value.split(":");
  const usual = name === "due_at" ? "17:00" : "09:00";
  const time = field.value.split("T")[1] || usual;
  field.value = field.type === "date" ? day : `${day}T${time}`;
  field.dispatchEvent(new Event("change", { bubbles: true }));
}

/** Say how many of the characters that the vendor takes are used. */
function count() {
  for (const words of document.querySelectorAll("[data-count-of]")) {
    const length = document.getElementById(words.dataset.countOf)?.value.length ?? 0;
    const most = Number(words.dataset.most);
    words.textContent = length ? `${length} of ${most}` : `up to ${most}`;
    words.toggleAttribute("data-over", length > most);
  }
}
form?.addEventListener("input", count);

/** Put the variable that was meant in place of a word that is none. */
function swap(button) {
  const text = document.getElementById(button.dataset.forField);
  text.value = text.value.replaceAll(button.dataset.swap, button.dataset.with);
  text.focus();
  text.dispatchEvent(new Event("change", { bubbles: true }));
  button.remove();
}

form?.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (button) insert(button);
  const picked = event.target.closest("[data-pick]");
  if (picked) {
    event.preventDefault();
    pick(picked);
  }
  const wrong = event.target.closest("[data-swap]");
  if (wrong) swap(wrong);
});

// Enter takes the first of the matches, but never one that answers to what was typed
// before: it waits for those of what stands in the box now.

let waits = false;

const answered = () =>
  document.getElementById("results")?.dataset.for === document.getElementById("id_q")?.value;

function addFirst() {
  waits = false;
  document.querySelector("#results [name=add]")?.click();
}

form?.addEventListener("input", (event) => {
  if (event.target.id !== "id_q") return;
  waits = false;
  document.getElementById("results")?.toggleAttribute("data-stale", !answered());
});

form?.addEventListener("keydown", (event) => {
  if (event.key === ";" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    document.querySelector("[data-insert]")?.focus();
    return;
  }
  if (event.key.toLowerCase() === "s" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    document.getElementById("save-draft")?.click();
    return;
  }
  if (event.key !== "Enter") return;
  if (event.ctrlKey || event.metaKey) {
    event.preventDefault();
    form.requestSubmit(document.getElementById("create"));
  } else if (event.target.id === "id_q") {
    event.preventDefault();
    if (answered()) addFirst();
    else waits = true;
  } else if (event.target.matches("input:not([type=radio])")) {
    event.preventDefault();
    event.target.dispatchEvent(new Event("change", { bubbles: true }));
  }
});

// A list that somebody opened stays open when it is brought up to date.
document.addEventListener("htmx:oobBeforeSwap", (event) => {
  const open = event.detail.target?.querySelector?.("details[open]");
  if (open) event.detail.fragment.querySelector(`#${open.id}`)?.setAttribute("open", "");
});

// So does the list of all who were chosen; who takes one out goes on at the next.

let opened = null;
document.addEventListener("htmx:beforeSwap", (event) => {
  if (event.detail.target?.id !== "picker") return;
  const list = document.getElementById("chosen-more");
  const buttons = [...(list?.querySelectorAll("[name=remove]") ?? [])];
  opened = list?.open ? buttons.indexOf(event.detail.requestConfig?.elt) : null;
});

/** Open the list again; return the button that took the place of the pressed one. */
function openAgain() {
  const list = document.getElementById("chosen-more");
  const at = opened;
  opened = null;
  if (at === null || !list) return null;
  list.open = true;
  const buttons = list.querySelectorAll("[name=remove]");
  return at < 0 ? null : (buttons[Math.min(at, buttons.length - 1)] ?? null);
}

document.addEventListener("htmx:afterSettle", (event) => {
  showBars();
  count();
  if (event.detail.requestConfig?.elt?.matches?.("[name=add], [name=remove]")) {
    (openAgain() ?? document.getElementById("id_q"))?.focus();
  }
  const typing = document.activeElement?.id === "id_q";
  if (waits && typing && answered()) addFirst();
});

// What was typed outlives the connection and the session: say so, and save it later.

const state = document.getElementById("autosave");

/** Show why the draft is not saved, in place of when it was. */
function unsaved(sentence, link) {
  const box = document.getElementById("draft-state");
  const words = document.createElement("span");
  words.textContent = sentence;
  if (link) {
    const anchor = document.createElement("a");
    [anchor.className, anchor.href, anchor.target] = ["link", link, "_blank"];
    anchor.rel = "noopener noreferrer";
    anchor.textContent = "Sign in in a new tab";
    words.append(" ", anchor);
  }
  box?.replaceChildren(box.querySelector("[name=version]"), words);
  state.dataset.tone = "amber";
}

/** After a new sign-in the old form's token is void: take the one of a fresh page. */
async function renew() {
  // Still signed out, or no connection: the next look at this page tries again.
  const answer = await fetch(state.dataset.fresh, { redirect: "manual" }).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const token = fresh.querySelector("[name=csrfmiddlewaretoken]")?.value;
  if (!token) return;
  signedOut = false;
  for (const field of document.querySelectorAll("[name=csrfmiddlewaretoken]")) {
    field.value = token;
  }
  document.body.setAttribute("hx-headers", JSON.stringify({ "x-csrftoken": token }));
  htmx.trigger(state, "save-again");
}

let signedOut = false;
document.addEventListener("htmx:beforeOnLoad", (event) => {
  const to = event.detail.xhr.getResponseHeader("HX-Redirect");
  if (!to || !form?.contains(event.target) || !/[?&]next=/.test(to)) return;
  event.preventDefault();
  signedOut = true;
  unsaved("You were signed out. Your text stays on this page.", to);
});
window.addEventListener("focus", () => {
  if (signedOut) renew();
});
document.addEventListener("htmx:sendError", (event) => {
  if (form?.contains(event.target)) {
    unsaved("Not saved: no connection. Your text stays on this page.");
  }
});
document.addEventListener("htmx:afterRequest", (event) => {
  if (event.target === state && event.detail.successful && !signedOut) {
    delete state.dataset.tone;
  }
});
window.addEventListener("online", () => state && htmx.trigger(state, "save-again"));

showBars();
count();
document.getElementById("problems")?.focus();
