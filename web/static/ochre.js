/* What the pages do beyond links and forms: keep live parts fresh without disturbing anybody, send filters as they
   change, number the lines of the rules editor, copy ids. Everything works without it, only less comfortably. */
"use strict";

(() => {
  const isLive = (element) => element.dataset && element.dataset.etag !== undefined;

  /* Live parts: ask with the ETag, so that an unchanged part costs a 304 and touches nothing. */

  document.addEventListener("htmx:configRequest", (event) => {
    if (isLive(event.detail.elt)) {
      event.detail.headers["If-None-Match"] = `"${event.detail.elt.dataset.etag}"`;
    }
  });

  document.addEventListener("htmx:beforeRequest", (event) => {
    if (isLive(event.detail.elt) && document.hidden) {
      event.preventDefault();
    }
  });

  document.addEventListener("visibilitychange", () => {
    if (!document.hidden) {
      document.querySelectorAll("[data-etag]").forEach((part) => window.htmx.trigger(part, "refresh"));
    }
  });

  /* A part is not replaced while somebody writes or chooses in it; open menus stay open. */

  let openMenus = [];

  document.addEventListener("htmx:beforeSwap", (event) => {
    const part = event.detail.target;
    if (!isLive(part)) {
      return;
    }
    if (event.detail.xhr.responseURL.includes("/sign-in")) {
      event.detail.shouldSwap = false;
      window.location.reload();
      return;
    }
    const active = document.activeElement;
    if (active && part.contains(active) && active.matches("input:not([type=hidden]), select, textarea")) {
      event.detail.shouldSwap = false;
    }
    openMenus = [...part.querySelectorAll("details[open][id]")].map((menu) => menu.id);
  });

  document.addEventListener("htmx:afterSwap", () => {
    for (const id of openMenus) {
      const menu = document.getElementById(id);
      if (menu) {
        menu.open = true;
      }
    }
    openMenus = [];
  });

  /* Say when the connection is lost, and when it is back. */

  const setOffline = (offline) => document.documentElement.classList.toggle("is-offline", offline);
  document.addEventListener("htmx:sendError", () => setOffline(true));
  document.addEventListener("htmx:timeout", () => setOffline(true));
  document.addEventListener("htmx:responseError", () => setOffline(true));
  document.addEventListener("htmx:afterOnLoad", () => setOffline(false));

  /* Filters are sent as soon as one is chosen. */

  document.addEventListener("change", (event) => {
    const form = event.target.closest("form[data-autosubmit]");
    if (form && event.target.matches("select")) {
      form.requestSubmit();
    }
  });

  /* What is being written survives a reload of its page. */

  const draft = document.querySelector("textarea[data-draft]");
  if (draft) {
    const key = `draft:${draft.dataset.draft}`;
    draft.value = draft.value || sessionStorage.getItem(key) || "";
    draft.addEventListener("input", () => sessionStorage.setItem(key, draft.value));
    draft.form.addEventListener("submit", () => sessionStorage.removeItem(key));
  }

  /* Menus close on Escape and on a click elsewhere. */

  const closeMenus = (except) => {
    document.querySelectorAll("details.menu[open]").forEach((menu) => {
      if (menu !== except) {
        menu.open = false;
      }
    });
  };
  document.addEventListener("click", (event) => closeMenus(event.target.closest("details.menu")));
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") {
      const open = document.querySelector("details.menu[open]");
      closeMenus(null);
      if (open) {
        open.querySelector("summary").focus();
      }
    }
  });

  /* Copy buttons. */

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) {
      return;
    }
    const before = button.textContent;
    try {
      await navigator.clipboard.writeText(button.dataset.copy);
      button.textContent = "Copied";
    } catch {
      button.textContent = button.dataset.copy;
    }
    setTimeout(() => { button.textContent = before; }, 1500);
  });

  /* Ctrl+Enter sends what is being written. */

  document.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && event.target.matches("form textarea")) {
      event.target.form.requestSubmit(event.target.form.querySelector("[data-default], [type=submit]"));
    }
  });

  /* The rules editor: line numbers, and a jump to the place of a fault. */

  const editor = document.querySelector("[data-editor]");
  if (editor) {
    const area = editor.querySelector("textarea");
    const gutter = editor.querySelector(".gutter");
    const faultLines = new Set((editor.dataset.faults || "").split(" ").filter(Boolean).map(Number));
    let shown = 0;

    const number = () => {
      const lines = area.value.split("\n").length;
      if (lines === shown) {
        return;
      }
      shown = lines;
      gutter.replaceChildren(...Array.from({ length: lines }, (_, index) => {
        const line = document.createElement("span");
        line.textContent = `${faultLines.has(index + 1) ? "▸" : ""}${index + 1}\n`;
        line.classList.toggle("at-fault", faultLines.has(index + 1));
        return line;
      }));
    };
    const follow = () => { gutter.scrollTop = area.scrollTop; };

    const offsetOf = (line, column) => {
      const lines = area.value.split("\n");
      const before = lines.slice(0, line - 1).reduce((sum, text) => sum + text.length + 1, 0);
      const codePoints = Array.from(lines[line - 1] || "").slice(0, column - 1);
      return before + codePoints.join("").length;
    };
    const jump = (place) => {
      const [line, column, endLine, endColumn] = place.split(" ").map(Number);
      area.focus();
      area.setSelectionRange(offsetOf(line, column), offsetOf(endLine, endColumn));
      area.scrollTop = Math.max(0, (line - 6) * 20);
      area.scrollIntoView({ block: "nearest" });
      follow();
    };

    gutter.hidden = false;
    number();
    area.addEventListener("input", number);
    area.addEventListener("scroll", follow);
    document.addEventListener("click", (event) => {
      const link = event.target.closest("[data-place]");
      if (link) {
        event.preventDefault();
        jump(link.dataset.place);
      }
    });

    /* Leaving with unsaved text asks first. */
    const saved = editor.dataset.saved === "no" ? null : area.value;
    let sending = false;
    area.form.addEventListener("submit", () => { sending = true; });
    window.addEventListener("beforeunload", (event) => {
      if (!sending && area.value !== saved) {
        event.preventDefault();
      }
    });
  }
})();
