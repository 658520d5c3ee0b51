/* Canal's own behaviours: short, delegated, keyed on data- attributes. Every page works without them.

   data-shortcut="g l"      a link that two keys follow; / searches, ? shows the keys
   data-rows                a table in which j and k move, enter opens the row's link, x ticks, c presses data-claim or hx-post
   data-check-all           ticks the page; shift-click ticks a range
   data-dialog="id"         opens <dialog id>;  data-close closes the one it is in
   data-menu                <details> that closes by Escape and by a click elsewhere
   data-autosubmit          a form that is sent when one of its selects changes
   data-unsaved             a form that asks before it is left with changes
   data-drag                a handle by which its row is dragged among those with data-drop="form's id": the form is
                            sent with the place where it fell in `to`
   data-board               columns with data-stage="value"; a card with data-card is dragged to one, or moved by the arrow
                            keys: its form is sent with that value in its select; data-refusal: said where it may not go
   data-insert="text"       puts the text where the cursor was last among its form's data-insert-here fields
   data-upload              a form of files that are sent one by one, with progress; `.documents` around it takes what is dropped
   data-largest="bytes"     an input of a file that says data-too-large of one that is larger, and does not send it
   data-cells="address"     around a table whose columns with th[data-cell="field"] open for changing, in place;
                            not those of tr[data-fixed]
   data-conditions          a form of conditions that is asked for anew when a field or comparison changes
   data-leads="name"        a form in which the choices in fieldset[data-follows] go along with that one, as far as they
                            are not data-empty, until one is picked by hand (data-picked)
   data-plans               a form whose field `at`, set to a time ahead, turns into `planned` and `due_at`
   data-copy="text"         copies;  data-dismiss removes its notice
   data-focus               takes the focus when it appears (an error summary, the next row) */
(() => {
  "use strict";
  const find = (selector, root = document) => root.querySelector(selector);
  const typing = (element) => element.closest("input, select, textarea, [contenteditable]");
  const on = (kind, handle, options) => document.addEventListener(kind, handle, options);

  /* Conditions: another field or comparison asks for the form anew, all of it in its order; what was compared
     with the field before means nothing to the next one. */
  on("change", (event) => {
    const form = event.target.closest("form[data-conditions]");
    if (!form || !event.target.matches("[name=field], [name=op]")) return;
    const row = event.target.closest(".condition");
    const value = row && find("[name=value]", row);
    if (value && event.target.name === "field") {
      if (value.options) value.add(new Option("", "", true, true));
      value.value = "";
    }
    const query = new URLSearchParams(new FormData(form));
    htmx.ajax("GET", `${form.action}?${query}`, { source: row, target: form, swap: "outerHTML" });
  });

  /* Merging: the values of the record that stays are the ones that are kept, unless others were picked by hand. */
  on("change", (event) => {
    const form = event.target.closest("form[data-leads]");
    if (!form) return;
    const follows = event.target.closest("[data-follows]");
    if (follows) follows.dataset.picked = "";
    if (event.target.name !== form.dataset.leads) return;
    for (const choices of form.querySelectorAll("[data-follows]:not([data-picked])")) {
      const filled = [...choices.querySelectorAll("input:not([data-empty])")];
      const kept = filled.find((input) => input.value === event.target.value) ?? filled[0];
      if (kept) kept.checked = true;
    }
  });

  /* Cells that open in place.  Their links are made here: a list has hundreds of them. */
  const openCells = () => {
    for (const head of document.querySelectorAll("[data-cells] th[data-cell]")) {
      const list = head.closest("[data-cells]").dataset;
      for (const row of head.closest("table").tBodies[0].querySelectorAll("tr[id]:not([data-fixed])")) {
        const cell = row.cells[head.cellIndex];
        if (!cell?.dataset.label || find(".cell-edit, .cell-form", cell)) continue;
        const link = Object.assign(document.createElement("a"), { className: "cell-edit" });
        link.href = list.cells.replace("-/-", `${row.id}/${head.dataset.cell}`);
        link.setAttribute("aria-label", list.cellsLabel.replace("*", cell.dataset.label));
        cell.append(link);
        if ("cellFocus" in cell.dataset) link.focus();
      }
    }
  };
  on("htmx:after:settle", openCells);
  on("click", (event) => {
    const link = event.target.closest("a.cell-edit");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    htmx.ajax("GET", link.href, { source: link, target: link.closest("td"), swap: "outerHTML" });
  });
  openCells();

  /* Keyboard */
  let before = "";
  on("keydown", (event) => {
    if (event.key === "Escape") {
      event.target.closest?.(".cell-form")?.querySelector("a.btn-quiet")?.click();
      return closeMenus();
    }
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (find("dialog[open]")) return;
    const box = event.target.closest?.("[data-rows] .is-check");
    if (typing(event.target) && !box) return;
    const keys = before ? `${before} ${event.key}` : event.key;
    before = event.key === "g" ? "g" : "";
    if (before) return void setTimeout(() => { before = ""; }, 1200);
    const link = find(`[data-shortcut="${CSS.escape(keys)}"]`);
    const act = link ? () => link.click() : KEYS[keys];
    if (act && act(event) !== false) event.preventDefault();
  });
  const KEYS = {
    "/": () => find("[data-search]")?.select(),
    "?": () => openDialog(find("#shortcuts")),
    j: () => moveRow(1),
    k: () => moveRow(-1),
    Enter: (event) => (event.target === document.body || event.target.matches("main")) && openRow(),
    x: () => find(".is-cursor .is-check input")?.click(),
    c: () => find(".is-cursor :is([data-claim], [hx-post])")?.click(),
  };
  const rows = () => [...document.querySelectorAll("[data-rows] > tbody > tr")].filter((row) => row.offsetParent);
  function moveRow(step) {
    const all = rows();
    if (!all.length) return false;
    const at = all.findIndex((row) => row.matches(".is-cursor, :focus-within"));
    const row = all[Math.max(0, Math.min(all.length - 1, at + (at < 0 ? 1 : step)))];
    all.forEach((other) => other.classList.toggle("is-cursor", other === row));
    (find("a, button", row) ?? row).focus({ preventScroll: true });
    row.scrollIntoView({ block: "nearest" });
  }
  function openRow() {
    const link = find(".is-cursor .row-link[href]");
    if (!link) return false;
    link.click();
  }

  /* The search box: what is found below it is gone through with the arrows while the cursor stays in the box */
  const foundOf = (box) => document.getElementById(box?.getAttribute("aria-controls"));
  function showFound(box, open) {
    const list = foundOf(box);
    if (!list) return;
    const shown = open && list.childElementCount > 0;
    list.classList.toggle("is-open", shown);
    box.setAttribute("aria-expanded", shown);
    if (!shown) chooseFound(box, null);
  }
  function chooseFound(box, option) {
    foundOf(box).querySelectorAll("[aria-selected=true]").forEach((other) => other.setAttribute("aria-selected", "false"));
    box.removeAttribute("aria-activedescendant");
    if (!option) return;
    option.setAttribute("aria-selected", "true");
    option.scrollIntoView({ block: "nearest" });
    box.setAttribute("aria-activedescendant", option.id);
  }
  on("keydown", (event) => {
    const box = event.target.closest?.("[data-search]");
    if (!box || !foundOf(box)) return;
    const options = [...foundOf(box).querySelectorAll("[role=option]")];
    const at = options.findIndex((option) => option.getAttribute("aria-selected") === "true");
    if (event.key === "Escape") return showFound(box, false);
    if (event.key === "Enter" && at >= 0) { event.preventDefault(); return options[at].click(); }
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !options.length) return;
    event.preventDefault();
    showFound(box, true);
    chooseFound(box, options[(at + step + options.length + (at < 0 && step < 0 ? 1 : 0)) % options.length]);
  });
  new MutationObserver(() => {
    const box = find("[data-search]");
    if (box === document.activeElement) showFound(box, true);
  }).observe(find("[data-found]") ?? document.createElement("div"), { childList: true });
  on("focusin", (event) => {
    const box = find("[data-search]");
    if (box && foundOf(box)) showFound(box, event.target === box || foundOf(box).contains(event.target));
  });
  on("pointerdown", (event) => {
    if (!event.target.closest(".search")) showFound(find("[data-search]"), false);
  });

  /* A table wider than its frame scrolls within it; the others keep a header that stays on the page */
  function fitTables() {
    document.querySelectorAll(".table-frame:not([tabindex])").forEach((frame) => {
      frame.classList.remove("is-scrolling");
      frame.classList.toggle("is-scrolling", frame.scrollWidth > frame.clientWidth + 1);
    });
  }
  window.addEventListener("resize", fitTables);

  /* Clicks */
  let lastBox = null;
  on("click", (event) => {
    const target = event.target;
    closeMenus(target.closest("[data-menu]"));
    const opener = target.closest("[data-dialog]");
    const dialog = opener && document.getElementById(opener.dataset.dialog);
    if (dialog && !event.ctrlKey && !event.metaKey) {
      event.preventDefault();
      openDialog(dialog);
    }
    if (target.closest("[data-close]")) target.closest("dialog")?.close();
    if (target.matches("dialog")) closeFromOutside(target, event);
    if (target.closest("[data-dismiss]")) target.closest("[data-flash]")?.remove();
    const insert = target.closest("[data-insert]");
    if (insert) insertInto(insert.form, insert.dataset.insert);
    const copier = target.closest("[data-copy]");
    if (copier) navigator.clipboard?.writeText(copier.dataset.copy).then(() => sayCopied(copier));
    if (target.matches("table .is-check input")) tick(target, event.shiftKey);
  });
  function openDialog(dialog) {
    closeMenus();
    if (!dialog || dialog.open) return;
    dialog.showModal();
    find(".dialog-body :is(input:not([type=hidden]), select, textarea, button)", dialog)?.focus();
  }
  function closeFromOutside(dialog, event) {
    const box = dialog.getBoundingClientRect();
    const inside = event.clientX >= box.left && event.clientX <= box.right && event.clientY >= box.top && event.clientY <= box.bottom;
    if (!inside && event.detail && !find("[data-unsaved].is-changed", dialog)) dialog.close();
  }
  function closeMenus(except) {
    document.querySelectorAll("[data-menu][open]").forEach((menu) => {
      if (menu === except) return;
      const inside = menu.contains(document.activeElement);
      menu.open = false;
      if (inside) find("summary", menu).focus();
    });
  }
  let lastField = null;
  on("focusin", (event) => { if (event.target.matches("[data-insert-here]")) lastField = event.target; });
  function insertInto(form, text) {
    const field = lastField?.form === form ? lastField : find("textarea[data-insert-here]", form);
    field.setRangeText(text, field.selectionStart, field.selectionEnd, "end");
    field.focus();
    field.dispatchEvent(new Event("input", { bubbles: true }));
  }
  function sayCopied(button) {
    button.dataset.copied = "";
    find("use", button)?.setAttribute("href", find("use", button).getAttribute("href").replace(/#.*/, "#i-check"));
  }

  /* Ticking rows */
  function tick(box, range) {
    const boxes = [...box.closest("table").querySelectorAll("tbody .is-check input")];
    const all = find("[data-check-all]", box.closest("table"));
    if (box === all) boxes.forEach((other) => { other.checked = all.checked; });
    else if (range && boxes.includes(lastBox)) {
      const [from, to] = [boxes.indexOf(lastBox), boxes.indexOf(box)].sort((a, b) => a - b);
      boxes.slice(from, to + 1).forEach((other) => { other.checked = box.checked; });
    }
    lastBox = box;
    if (all) {
      const count = boxes.filter((other) => other.checked).length;
      all.checked = count > 0 && count === boxes.length;
      all.indeterminate = count > 0 && count < boxes.length;
    }
  }

  /* Dragging rows; a menu in each row does the same by keyboard and by tapping */
  let dragged = null;
  const lineUp = (row) => [...row.parentNode.children].filter((other) => other.matches("[data-drop]"));
  const dropsAfter = (row, event) => event.clientY > row.getBoundingClientRect().top + row.offsetHeight / 2;
  const unmark = () => document.querySelectorAll(".is-drop-before, .is-drop-after").forEach((row) => row.classList.remove("is-drop-before", "is-drop-after"));
  const rowUnder = (event) => {
    const row = event.target.closest?.("[data-drop]");
    return dragged && row && row !== dragged && row.parentNode === dragged.parentNode ? row : null;
  };
  on("dragstart", (event) => {
    dragged = event.target.closest?.("[data-drag]")?.closest("[data-drop]") ?? null;
    if (!dragged) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    event.dataTransfer.setDragImage(dragged, 0, 0);
    dragged.classList.add("is-dragged");
  });
  on("dragover", (event) => {
    const row = rowUnder(event);
    unmark();
    if (!row) return;
    event.preventDefault();
    row.classList.add(dropsAfter(row, event) ? "is-drop-after" : "is-drop-before");
  });
  on("drop", (event) => {
    const row = rowUnder(event);
    if (!row) return;
    event.preventDefault();
    const form = document.getElementById(dragged.dataset.drop);
    const others = lineUp(dragged).filter((other) => other !== dragged);
    find("[name=to]", form).value = others.indexOf(row) + (dropsAfter(row, event) ? 1 : 0);
    form.requestSubmit();
  });
  on("dragend", () => {
    unmark();
    dragged?.classList.remove("is-dragged");
    dragged = null;
  });

  /* Boards: a card goes to another column by the form that stands on it; the board is asked for anew, so that the
     person stays where they were, with the focus on the card, and hears what came of it. */
  let card = null;
  const columnUnder = (event) => (card ? event.target.closest?.("[data-board] [data-stage]") : null);
  const mayGo = (moved, stage) => [...find("select[name=stage]", moved).options].some((option) => option.value === stage);
  const say = (text) => {
    const notice = Object.assign(document.createElement("div"), { className: "notice tone-amber" });
    notice.appendChild(document.createElement("p")).textContent = text;
    find("#flashes")?.replaceChildren(notice);
  };
  const sendTo = (moved, stage) => {
    const select = find("select[name=stage]", moved);
    if (!stage || stage === moved.closest("[data-stage]").dataset.stage) return;
    if (!mayGo(moved, stage)) return say(moved.closest("[data-board]").dataset.refusal);
    select.value = stage;
    moveCard(select.form);
  };
  async function moveCard(form) {
    const moved = form.closest("[data-card]");
    const board = moved.closest("[data-board]");
    const to = form.elements.stage.value;
    if (moved.hasAttribute("aria-busy")) return;
    moved.setAttribute("aria-busy", "true");
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (!answer?.ok) return form.submit();
    // Asked for a reason first, or signed out meanwhile.
    if (new URL(answer.url).pathname !== location.pathname) return void (location.href = answer.url);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const fresh = find("[data-board]", page);
    if (!fresh) return location.reload();
    const place = find(".board", board).scrollLeft;
    board.replaceWith(fresh);
    find(".board", fresh).scrollLeft = place;
    find("#flashes").replaceChildren(...find("#flashes", page).childNodes);
    (document.getElementById(moved.id) ?? find(`[data-stage="${CSS.escape(to)}"] h2`, fresh))?.focus();
  }
  on("submit", (event) => {
    if (!event.target.closest("[data-board]")) return;
    event.preventDefault();
    moveCard(event.target);
  });
  const unlight = () => document.querySelectorAll("[data-stage].is-drop").forEach((column) => column.classList.remove("is-drop"));
  on("dragstart", (event) => {
    card = event.target.closest?.("[data-card]") ?? null;
    if (!card) return;
    event.dataTransfer.effectAllowed = "move";
    event.dataTransfer.setData("text/plain", "");
    card.classList.add("is-dragged");
  });
  on("dragover", (event) => {
    const column = columnUnder(event);
    if (!card) return;
    unlight();
    if (!column || !mayGo(card, column.dataset.stage)) return;
    event.preventDefault();
    column.classList.add("is-drop");
  });
  on("drop", (event) => {
    const column = columnUnder(event);
    if (!column) return;
    event.preventDefault();
    sendTo(card, column.dataset.stage);
  });
  on("dragend", () => {
    unlight();
    card?.classList.remove("is-dragged");
    card = null;
  });
  on("keydown", (event) => {
    const here = event.target;
    if (!here.matches?.("[data-card]")) return;
    const across = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
    const along = { ArrowUp: -1, ArrowDown: 1 }[event.key];
    if (event.key === "Enter") return void here.querySelector("a")?.click();
    if (!across && !along) return;
    event.preventDefault();
    const column = here.closest("[data-stage]");
    if (along) {
      const cards = [...column.querySelectorAll("[data-card]")];
      return void cards[cards.indexOf(here) + along]?.focus();
    }
    const columns = [...here.closest("[data-board]").querySelectorAll("[data-stage]")];
    const next = columns[columns.indexOf(column) + across];
    if (next) sendTo(here, next.dataset.stage);
  });

  /* Files: sent one after the other with their progress; dropped anywhere on the card of the form */
  const dropped = (event) => event.dataTransfer?.types.includes("Files") && event.target.closest?.(".documents")?.querySelector("form[data-upload]");
  on("dragover", (event) => {
    const form = dropped(event);
    if (!form) return;
    event.preventDefault();
    form.closest("details")?.setAttribute("open", "");
    form.classList.add("is-dropping");
  });
  on("dragleave", (event) => event.target.closest?.("form[data-upload]")?.classList.remove("is-dropping"));
  on("drop", (event) => {
    const form = dropped(event);
    if (!form) return;
    event.preventDefault();
    form.classList.remove("is-dropping");
    sendFiles(form, [...event.dataTransfer.files]);
  });
  on("change", (event) => {
    if (event.target.matches("form[data-upload] input[type=file]")) sayChosen(event.target);
  });
  on("submit", (event) => {
    const form = event.target;
    const input = form.matches("[data-upload]") && find("input[type=file]", form);
    if (!input || !input.files.length) return;
    event.preventDefault();
    sendFiles(form, [...input.files]);
  });
  /* A file that would be refused is told of when it is chosen, and not sent. */
  const isTooLarge = (input) => [...input.files].some((file) => file.size > Number(input.dataset.largest));
  on("change", ({ target }) => {
    if (!target.matches("input[type=file][data-largest]")) return;
    target.setCustomValidity(isTooLarge(target) ? target.dataset.tooLarge : "");
    target.reportValidity();
  });
  on("submit", (event) => {
    const input = find("input[type=file][data-largest]", event.target);
    if (!input || !isTooLarge(input)) return;
    event.preventDefault();
    input.reportValidity();
  });
  function sayChosen(input) {
    find("[data-chosen]", input.form).textContent = [...input.files].map((file) => file.name).join(", ");
  }
  async function sendFiles(form, files) {
    const list = find("[data-uploads]", form);
    const button = find("button:not([type])", form);
    let failed = false;
    button.disabled = true;
    list.replaceChildren();
    const lines = files.map((file) => {
      const line = list.appendChild(document.createElement("li"));
      line.appendChild(document.createElement("b")).textContent = file.name;
      return line;
    });
    for (const [place, file] of files.entries()) {
      const said = await sendFile(form, file, lines[place]);
      failed = said.failed || failed;
      const told = lines[place].appendChild(document.createElement("span"));
      told.textContent = said.text;
      // What was said names the file itself.
      if (said.text.includes(file.name)) find("b", lines[place]).remove();
      if (said.failed) told.setAttribute("role", "alert");
      lines[place].classList.add(said.failed ? "is-failed" : "is-done");
    }
    button.disabled = false;
    find("input[type=file]", form).value = "";
    sayChosen(find("input[type=file]", form));
    const card = form.closest("[data-panel]");
    if (!card) return failed || location.reload();
    await showPanel(card, list, failed);
  }
  async function showPanel(card, list, failed) {
    const answer = await fetch(card.dataset.panel, { headers: { "HX-Request": "true" } });
    if (!answer.ok) return;
    const fresh = new DOMParser().parseFromString(await answer.text(), "text/html").body.firstElementChild;
    find("[data-uploads]", fresh)?.replaceWith(list);
    if (failed) find("details", fresh)?.setAttribute("open", "");
    card.replaceWith(fresh);
    fresh.tabIndex = -1;
    fresh.focus({ preventScroll: true });
  }
  function sendFile(form, file, line) {
    if (file.size > Number(form.dataset.largest)) return { text: form.dataset.tooLarge, failed: true };
    const data = new FormData(form);
    data.delete("file");
    data.append("file", file);
    const bar = line.appendChild(document.createElement("progress"));
    bar.max = 1;
    bar.setAttribute("aria-label", file.name);
    return new Promise((done) => {
      const request = new XMLHttpRequest();
      const end = (text, failed) => {
        bar.remove();
        done({ text: text || form.dataset.failed, failed });
      };
      request.open("POST", form.action);
      request.setRequestHeader("HX-Request", "true");
      request.upload.onprogress = (event) => { bar.value = event.lengthComputable ? event.loaded / event.total : 0; };
      request.onload = () => {
        const page = new DOMParser().parseFromString(request.responseText, "text/html");
        const text = (find("p:last-of-type", page.body) ?? page.body).textContent.trim();
        end(request.status === 200 || text.length < 400 ? text : "", request.status !== 200);
      };
      request.onerror = () => end("", true);
      request.send(data);
    });
  }

  /* What is said to be at a time that lies ahead is planned for then. */
  on("change", (event) => {
    const form = event.target.closest("form[data-plans]");
    if (!form || event.target.name !== "at" || !event.target.value) return;
    if (new Date(event.target.value) <= new Date(Date.now() + 600000) || form.elements.kind.value === "note") return;
    form.elements.planned.checked = true;
    form.elements.due_at.value = event.target.value;
    event.target.value = "";
    form.elements.due_at.focus();
  });

  /* Forms */
  on("change", (event) => {
    const form = event.target.form;
    if (form?.matches("[data-autosubmit]") && event.target.matches("select, [type=checkbox], [type=radio], [type=search]")) form.requestSubmit();
  });
  on("input", (event) => event.target.form?.matches("[data-unsaved]") && event.target.form.classList.add("is-changed"));
  on("submit", (event) => event.target.classList.remove("is-changed"));
  /* A double click sends once; what htmx sends waits for its answer, and a page is left within three seconds. */
  const sent = new WeakMap();
  on("submit", (event) => {
    const form = event.target;
    if (form.method !== "post" || !event.submitter || form.matches("[data-upload]")) return;
    const by = form.closest("[hx-post]") || event.submitter.matches("[hx-post]");
    const since = event.timeStamp - (sent.get(event.submitter) ?? -Infinity);
    // Not what a form asks for by itself while somebody types: that is not its button's.
    if (since < (by ? 600 : 3000) || (since < 5000 && form.matches(".htmx-request"))) {
      event.preventDefault();
      event.stopImmediatePropagation();
    } else sent.set(event.submitter, event.timeStamp);
  }, true);
  window.addEventListener("beforeunload", (event) => {
    if (find("form[data-unsaved].is-changed")) event.preventDefault();
  });
  window.addEventListener("pageshow", () => {
    document.querySelectorAll("td.is-check input:checked").forEach((box) => tick(box, false));
  });

  /* A menu that would begin left of the window is moved into it. */
  on("toggle", (event) => {
    const list = event.target.matches?.("details[data-menu][open]") && find(".menu-list", event.target);
    if (!list) return;
    list.style.removeProperty("right");
    const left = list.getBoundingClientRect().left;
    if (left < 8) list.style.right = `${left - 8}px`;
  }, true);

  /* Focus goes where a person would look, on arrival and after a swap */
  const focusIn = (root) => {
    const wanted = root.matches?.("[data-focus]") ? root : find("[data-focus]", root);
    if (!wanted) return;
    wanted.focus({ preventScroll: false });
    wanted.removeAttribute("data-focus");
  };
  /* What was typed before htmx listened is heard now: on a slow line people are faster than scripts. */
  on("htmx:after:init", ({ target }) => {
    if (target.matches("input[hx-trigger^=input]") && target.value !== target.defaultValue) htmx.trigger(target, "input");
  });
  on("DOMContentLoaded", () => {
    fitTables();
    focusIn(document);
  });
  on("htmx:after:settle", () => {
    fitTables();
    focusIn(document);
    const dialog = find("dialog[data-opens]:not([open])");
    if (dialog) openDialog(dialog);
  });
})();
