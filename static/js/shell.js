// The frame of every page: theme, toasts, and a word when the server is silent.
// Without this file the forms and links do the same with a page load.

document.addEventListener("submit", (event) => {
  const form = event.target.closest("[data-theme-form]");
  if (!form || !event.submitter) return;
  event.preventDefault();
  const theme = event.submitter.value;
  document.documentElement.dataset.theme = theme;
  for (const button of form.querySelectorAll("[name=theme]")) {
    button.setAttribute("aria-pressed", String(button.value === theme));
  }
  const data = new FormData(form, event.submitter);
  fetch(form.action, { method: "POST", body: data, redirect: "manual" });
});

document.addEventListener("click", (event) => {
  event.target.closest("[data-dismiss]")?.closest(".toast, .banner")?.remove();
});

// What a page or an answer asks to be read first, such as a summary of errors.
const focusFirst = () => document.querySelector("[data-focus]")?.focus();
document.addEventListener("DOMContentLoaded", focusFirst);
document.addEventListener("htmx:afterSettle", (event) => {
  if (event.target.querySelector?.("[data-focus]")) focusFirst();
});

/** Show one sentence at the edge of the page. */
function toast(sentence, tone) {
  const box = document.createElement("div");
  box.className = "toast";
  box.dataset.tone = tone;
  const text = document.createElement("span");
  text.className = "grow";
  text.textContent = sentence;
  const close = document.createElement("button");
  close.type = "button";
  close.className = "btn btn--ghost btn--sm";
  close.dataset.dismiss = "";
  close.textContent = "Dismiss";
  box.append(text, close);
  document.getElementById("toasts")?.append(box);
}

document.addEventListener("htmx:sendError", (event) => {
  // What saves itself says so where it stands.
  if (event.target.closest?.("[data-quiet]")) return;
  toast("The server did not answer. Nothing was changed.", "red");
});
document.addEventListener("htmx:responseError", (event) => {
  const status = event.detail.xhr.status;
  const sentence =
    status === 404
      ? "This is not there any more. Reload the page."
      : status === 403
        ? "You may not do this, or you were signed out. Reload the page."
        : "The server could not do this. Reload the page and look before you try again.";
  toast(sentence, "red");
});
