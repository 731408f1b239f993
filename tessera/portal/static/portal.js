// What a page cannot do without a script. Everything else works without.
"use strict";

document.addEventListener("click", async (event) => {
  const button = event.target.closest("[data-copy]");
  if (!button) return;
  await navigator.clipboard.writeText(button.dataset.copy);
  const before = button.textContent;
  button.textContent = "Copied";
  setTimeout(() => { button.textContent = before; }, 1500);
});

document.addEventListener("submit", (event) => {
  const question = event.submitter?.dataset.confirm ?? event.target.dataset.confirm;
  if (question && !window.confirm(question)) {
    event.preventDefault();
    return;
  }
  // Twice is once too often; what moves points has a key besides.
  for (const button of event.target.querySelectorAll("button:not([type=button])")) {
    setTimeout(() => { button.disabled = true; });
    setTimeout(() => { button.disabled = false; }, 5000);
  }
});

document.addEventListener("change", (event) => {
  if (event.target.matches("[data-submit]")) event.target.form.requestSubmit();
});

// One menu is open at a time, and a click beside it or Escape closes it.
const menus = () => document.querySelectorAll(".top details");
document.addEventListener("click", (event) => {
  for (const menu of menus()) if (!menu.contains(event.target)) menu.open = false;
});
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape") for (const menu of menus()) menu.open = false;
});

// On a phone the menu is folded until it is asked for.
const fold = document.querySelector(".side-fold");
if (fold && window.matchMedia("(max-width: 60rem)").matches) fold.open = false;

// The tab that one is on may lie beside the screen.
const tab = document.querySelector(".tabs [aria-current]");
if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - tab.parentElement.offsetLeft - 48;

// Part of a form is drawn again: what was typed while that was asked for is newer than what comes back.
const fields = (part) => [...part.querySelectorAll("input:not([type=hidden]), select, textarea")].filter((one) => one.name);
const held = (field) => (field.type === "checkbox" ? field.checked : field.value);
const asked = new WeakMap();
document.addEventListener("htmx:beforeRequest", ({ detail }) => {
  asked.set(detail.xhr, fields(detail.target).map((field) => [field, held(field)]));
});
document.addEventListener("htmx:beforeSwap", ({ detail }) => {
  // Behind a condition that is taken away all others have other names.
  const keeps = !detail.requestConfig.elt.value?.startsWith?.("remove:");
  asked.set(detail.xhr, (asked.get(detail.xhr) ?? []).filter(([field, was]) => keeps && held(field) !== was));
});
document.addEventListener("htmx:afterSwap", ({ detail }) => {
  for (const [old] of asked.get(detail.xhr) ?? []) {
    const field = document.getElementById(old.id);
    if (!field || field === old || field.type !== old.type) continue;
    if (field.type === "checkbox") field.checked = old.checked;
    else if (field.tagName !== "SELECT" || [...field.options].some((one) => one.value === old.value)) field.value = old.value;
    // What depends on it is asked for again.
    if (field.tagName === "SELECT") field.dispatchEvent(new Event("change", { bubbles: true }));
  }
  asked.delete(detail.xhr);
});
