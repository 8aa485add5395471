// Sorts and filters the table, and renews the page; without it everything is there, worst account first.
"use strict";
(() => {
  const PAUSE_MS = 30000;
  const words = new Intl.Collator(undefined, { numeric: true });
  const wanted = { filter: "", column: -1, down: false };

  const table = () => document.getElementById("accounts");
  const key = (account, column) => account.rows[0].cells[column].dataset.key ?? account.rows[0].cells[column].textContent;

  function sort() {
    const heads = table().tHead.rows[0].cells;
    for (const [column, head] of [...heads].entries()) {
      if (column === wanted.column) head.setAttribute("aria-sort", wanted.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    }
    if (wanted.column < 0) return;
    const numeric = heads[wanted.column].dataset.sort === "number";
    const compare = (one, other) => {
      if (!numeric) return words.compare(one, other);
      // What is not known comes last, whichever way.
      if (one === "" || other === "") return (one === "") - (other === "") || 0;
      return one - other;
    };
    const keyed = [...table().tBodies].map((account) => [key(account, wanted.column), account]);
    keyed.sort(([one], [other]) => {
      const order = compare(one, other);
      return wanted.down && !(numeric && (one === "" || other === "")) ? -order : order;
    });
    table().append(...keyed.map(([, account]) => account));
  }

  function filter() {
    const parts = wanted.filter.toLowerCase().split(/\s+/).filter(Boolean);
    const accounts = [...table().tBodies];
    let shown = 0;
    for (const account of accounts) {
      const matches = parts.every((part) => account.dataset.words.includes(part));
      account.hidden = !matches;
      shown += matches;
    }
    document.getElementById("shown").textContent = parts.length ? `${shown} of ${accounts.length}` : "";
    document.getElementById("nothing").hidden = shown > 0 || accounts.length === 0;
  }

  function remember() {
    const hash = new URLSearchParams();
    if (wanted.filter) hash.set("filter", wanted.filter);
    if (wanted.column >= 0) hash.set("sort", `${wanted.down ? "-" : ""}${wanted.column}`);
    history.replaceState(null, "", hash.size ? `#${hash}` : location.pathname);
  }

  function recall() {
    const hash = new URLSearchParams(location.hash.slice(1));
    const sorted = /^(-?)([0-6])$/.exec(hash.get("sort") ?? "");
    wanted.filter = hash.get("filter") ?? "";
    wanted.column = sorted ? Number(sorted[2]) : -1;
    wanted.down = Boolean(sorted?.[1]);
  }

  function equip() {
    document.getElementById("tools").hidden = false;
    document.getElementById("tools").addEventListener("submit", (event) => event.preventDefault());
    const input = document.getElementById("filter");
    input.value = wanted.filter;
    input.addEventListener("input", () => {
      wanted.filter = input.value;
      filter();
      remember();
    });
    for (const [column, head] of [...table().tHead.rows[0].cells].entries()) {
      const button = document.createElement("button");
      button.type = "button";
      button.textContent = head.textContent;
      head.replaceChildren(button);
      button.addEventListener("click", () => {
        wanted.down = wanted.column === column ? !wanted.down : "down" in head.dataset;
        wanted.column = column;
        sort();
        remember();
      });
    }
    for (const link of document.querySelectorAll("a[data-filter]")) {
      link.addEventListener("click", (event) => {
        event.preventDefault();
        input.value = wanted.filter = wanted.filter === link.dataset.filter ? "" : link.dataset.filter;
        filter();
        remember();
      });
    }
    sort();
    filter();
  }

  async function renew() {
    if (document.hidden || document.activeElement?.id === "filter") return;
    const open = new Set([...document.querySelectorAll("details[open]")].map((details) => details.dataset.account));
    try {
      const response = await fetch(location.pathname, { cache: "no-store" });
      if (!response.ok) throw new Error(response.statusText);
      const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
      for (const selector of ["main", "footer"]) {
        document.querySelector(selector).replaceWith(document.importNode(fresh.querySelector(selector), true));
      }
      document.title = fresh.title;
      for (const details of document.querySelectorAll("details")) details.open = open.has(details.dataset.account);
      equip();
    } catch {
      document.querySelector("footer").dataset.lost = "";
    }
  }

  recall();
  equip();
  setInterval(renew, PAUSE_MS);
  document.addEventListener("visibilitychange", renew);
})();
