// Brings to life what the pages already show without it: the scoreboard's
// filters and the crystal models. 3Dmol is fetched from this book, once, when a
// reader asks for a model.
"use strict";
(() => {
  const base = new URL(".", document.currentScript.src);

  function filters(board) {
    const form = board.querySelector(".scoreboard-filters");
    const rows = [...board.querySelectorAll("tbody tr")];
    const said = form.querySelector("output");
    const fields = [...form.querySelectorAll("[data-filter]")];
    const given = new URLSearchParams(location.search);
    for (const field of fields) {
      field.value = given.get(field.dataset.filter) ?? "";
      if (field.selectedIndex === -1) field.value = "";  // no such choice
    }
    const apply = () => {
      const want = {};
      for (const field of fields) {
        want[field.dataset.filter] = field.value.trim().toLowerCase();
      }
      let shown = 0;
      for (const row of rows) {
        const hit = ["verdict", "kind", "chapter"].every(
          (key) => !want[key] || row.dataset[key].toLowerCase() === want[key]
        ) && (!want.words || row.textContent.toLowerCase().includes(want.words));
        row.hidden = !hit;
        shown += hit ? 1 : 0;
      }
      said.textContent = `${shown} of ${rows.length} claims`;
    };
    // The address follows the filters, so that a choice can be kept and sent.
    const remember = () => {
      const address = new URL(location.href);
      for (const field of fields) {
        const value = field.value.trim();
        if (value) address.searchParams.set(field.dataset.filter, value);
        else address.searchParams.delete(field.dataset.filter);
      }
      history.replaceState(null, "", address);
    };
    for (const kind of ["input", "change"]) {  // not every browser says both of a choice
      form.addEventListener(kind, () => { apply(); remember(); });
    }
    form.addEventListener("submit", (event) => event.preventDefault());
    apply();
    // A link to a claim shows it, whatever the filters say.
    const show = () => {
      const row = rows.find((one) => `#${one.id}` === location.hash);
      if (!row?.hidden) return;
      for (const field of fields) field.value = "";
      apply();
      row.scrollIntoView();
    };
    addEventListener("hashchange", show);
    show();
  }

  let library;
  function load3Dmol() {
    library ??= new Promise((resolve, reject) => {
      const script = document.createElement("script");
      script.src = new URL("vendor/3Dmol-min.js", base);
      script.onload = () => resolve(window.$3Dmol);
      script.onerror = reject;
      document.head.append(script);
    });
    return library;
  }

  const point = ([x, y, z]) => ({ x, y, z });

  async function start(frame, scene) {
    frame.classList.add("live");
    frame.querySelector(".structure-viewer-note")?.remove();
    frame.querySelector("button")?.remove();
    const mol = await load3Dmol();
    const viewer = mol.createViewer(frame, { backgroundColor: "white", orthographic: true });
    scene.positions.forEach((position, i) => {
      viewer.addSphere({ center: point(position), radius: scene.radii[i], color: scene.colours[i] });
    });
    for (const [i, j] of scene.bonds) {
      const a = scene.positions[i], b = scene.positions[j];
      const middle = a.map((value, k) => 0.5 * (value + b[k]));
      for (const [end, colour] of [[a, scene.colours[i]], [b, scene.colours[j]]]) {
        viewer.addCylinder({ start: point(end), end: point(middle), radius: 0.13, color: colour });
      }
    }
    const corner = (n) => [0, 1, 2].map((k) =>
      [0, 1, 2].reduce((sum, axis) => sum + ((n >> axis) & 1) * scene.cell[axis][k], 0));
    for (let n = 0; n < 8; n++) {
      for (let axis = 0; axis < 3; axis++) {
        if (!((n >> axis) & 1)) {
          viewer.addLine({ start: point(corner(n)), end: point(corner(n | (1 << axis))), color: "#999999" });
        }
      }
    }
    viewer.zoomTo();
    viewer.render();
    frame.viewer = viewer;
    const help = document.createElement("p");
    help.className = "viewer-help";
    help.textContent = "Drag to turn, scroll to zoom; arrow keys turn too.";
    frame.append(help);
    frame.tabIndex = 0;
    frame.focus();
    frame.addEventListener("keydown", (event) => {
      const turn = { ArrowLeft: [-10, "y"], ArrowRight: [10, "y"], ArrowUp: [-10, "x"], ArrowDown: [10, "x"] }[event.key];
      if (turn) { event.preventDefault(); viewer.rotate(...turn); }
    });
  }

  function offer(frame) {
    const scene = JSON.parse(frame.querySelector("script").textContent);
    const note = frame.querySelector(".structure-viewer-note");
    const button = document.createElement("button");
    button.type = "button";
    button.textContent = "Turn this structure by hand";
    button.addEventListener("click", () => start(frame, scene));
    if (note) note.replaceWith(button); else frame.append(button);
  }

  // Opened from the disk, no page may read another: search results then come without excerpts.
  if (location.protocol === "file:" && typeof DOCUMENTATION_OPTIONS !== "undefined") {
    DOCUMENTATION_OPTIONS.SHOW_SEARCH_SUMMARY = false;
  }

  // What scrolls sideways can be reached, and so scrolled, without a mouse.
  function reachable() {
    for (const part of document.querySelectorAll(
      ".bd-article :is(table.ledger, .cell_output, pre, mjx-container)")) {
      if (part.scrollWidth > part.clientWidth) part.tabIndex = 0;
    }
  }
  addEventListener("load", () => {
    reachable();
    window.MathJax?.startup?.promise?.then(reachable);
  });
  addEventListener("resize", reachable);
  document.addEventListener("toggle", reachable, true);  // a folded part has no width before

  document.addEventListener("DOMContentLoaded", () => {
    document.querySelectorAll(".scoreboard").forEach(filters);
    document.querySelectorAll(".structure-viewer").forEach(offer);
  });
})();
