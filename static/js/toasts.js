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

// A live region says what comes into it, not what it came with: the messages of a page that
// was loaded come a moment after it.
const came = [...document.querySelectorAll("#toasts > .toast")];
for (const toast of came) toast.hidden = true;
setTimeout(() => {
  for (const toast of came) toast.hidden = false;
}, 150);
