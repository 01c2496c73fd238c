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
  for (const bar of document.querySelectorAll("[data-insert-into]")) bar.hidden = false;
}

form?.addEventListener("click", (event) => {
  const button = event.target.closest("[data-insert]");
  if (button) insert(button);
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
    document.querySelector("#results [name=add]")?.click();
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
document.addEventListener("htmx:afterSettle", (event) => {
  showBars();
  if (event.detail.requestConfig?.elt?.matches?.("[name=add], [name=remove]")) {
    document.getElementById("id_q")?.focus();
  }
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
document.getElementById("problems")?.focus();
