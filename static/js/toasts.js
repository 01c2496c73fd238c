// Messages stand in the dialog that is open: what is beside a modal one is covered and out of
// reach. Without this file they stand at the edge of the page.

function place() {
  const toasts = document.getElementById("toasts");
  const where = [...document.querySelectorAll("dialog:modal")].at(-1) ?? document.body;
  if (toasts && toasts.parentElement !== where) where.append(toasts);
}

new MutationObserver(place).observe(document.body, {
  attributes: true,
  attributeFilter: ["open"],
  subtree: true,
});

// What a dialog shows is swapped; the messages in it stay.
document.addEventListener("htmx:beforeSwap", (event) => {
  const toasts = document.getElementById("toasts");
  if (toasts && event.detail.target !== toasts && event.detail.target.contains?.(toasts)) {
    document.body.append(toasts);
  }
});
document.addEventListener("htmx:afterSwap", place);

// What a page brings with it is not read out: a live region tells of what is put into it.
// So the page's messages are put in once more, a moment after it was read.
const READ_OUT = 100; // ms

function sayAgain() {
  const toasts = document.getElementById("toasts");
  if (!toasts || toasts.contains(document.activeElement)) return;
  toasts.replaceChildren(...toasts.children);
}

addEventListener("load", () => setTimeout(sayAgain, READ_OUT));
