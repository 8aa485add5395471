// Sorts and filters the table, and renews the page; without it everything is there, worst account first.
"use strict";
(() => {
  const PAUSE_MS = 30000;
  const { compare } = new Intl.Collator(undefined, { numeric: true });
  const wanted = new URLSearchParams(location.hash.slice(1)); // filter, and sort: a column, after a minus if descending
  const table = document.getElementById("accounts");
  const input = document.getElementById("filter");

  function sort() {
    const [, down, column] = /^(-?)([0-6])$/.exec(wanted.get("sort") ?? "") ?? [];
    for (const [index, head] of [...table.tHead.rows[0].cells].entries()) {
      if (String(index) === column) head.setAttribute("aria-sort", down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    if (!column) return;
    const key = ({ dataset, textContent }) => dataset.key ?? textContent;
    const keyed = [...table.tBodies].map((account) => [key(account.rows[0].cells[column]), account]);
    // What is not known comes last, whichever way.
    keyed.sort(([one], [other]) => (one === "") - (other === "") || (down ? compare(other, one) : compare(one, other)));
    table.append(...keyed.map(([, account]) => account));
  }

  function filter() {
    const parts = (wanted.get("filter") ?? "").toLowerCase().split(/\s+/).filter(Boolean);
    for (const account of table.tBodies) account.hidden = !parts.every((part) => account.dataset.words.includes(part));
    const shown = [...table.tBodies].filter((account) => !account.hidden).length;
    document.getElementById("shown").textContent = parts.length ? `${shown} of ${table.tBodies.length}` : "";
    document.getElementById("nothing").hidden = shown > 0 || table.tBodies.length === 0;
  }

  function want(key, value) {
    if (value) wanted.set(key, value);
    else wanted.delete(key);
    history.replaceState(null, "", wanted.size ? `#${wanted}` : location.pathname);
    (key === "sort" ? sort : filter)();
  }

  async function renew() {
    if (document.hidden) return;
    try {
      const response = await fetch(location.pathname, { cache: "no-store" });
      if (!response.ok) throw new Error(response.statusText);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      const open = [...document.querySelectorAll("details[open]")].map((details) => `#${details.id}`);
      const { activeElement: at } = document;
      for (const id of ["summary", "about"]) document.getElementById(id).replaceWith(fresh.getElementById(id));
      const { className, tBodies } = fresh.getElementById("accounts");
      table.className = className;
      table.replaceChildren(table.tHead, ...tBodies);
      document.title = fresh.title;
      for (const details of open) document.querySelector(details)?.setAttribute("open", "");
      sort();
      filter();
      if (!at.isConnected) {
        const same = at.matches("summary") ? `#${at.parentElement.id} > summary` : `a[href="${at.getAttribute("href")}"]`;
        document.querySelector(same)?.focus({ preventScroll: true });
      }
      delete document.body.dataset.lost;
    } catch {
      document.body.dataset.lost = "";
    }
  }

  for (const [column, head] of [...table.tHead.rows[0].cells].entries()) {
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = head.textContent;
    head.replaceChildren(button);
    button.addEventListener("click", () => {
      const down = wanted.get("sort") === `${column}` || ("down" in head.dataset && wanted.get("sort") !== `-${column}`);
      want("sort", `${down ? "-" : ""}${column}`);
    });
  }
  document.getElementById("tools").hidden = false;
  document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
  input.value = wanted.get("filter") ?? "";
  input.addEventListener("input", () => want("filter", input.value));
  document.addEventListener("click", (event) => {
    const text = event.target.closest("a[data-filter]")?.dataset.filter;
    if (!text) return;
    event.preventDefault();
    input.value = wanted.get("filter") === text ? "" : text;
    want("filter", input.value);
  });
  sort();
  filter();
  setInterval(renew, PAUSE_MS);
  document.addEventListener("visibilitychange", renew);
})();
