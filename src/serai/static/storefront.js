// Comfort only: every page works without this file. It steps quantities, closes what floats, counts down, copies a
// link, keeps a form from being sent twice and lets the arrow keys walk through the suggestions.
"use strict";

(function () {
  function showSteppers(root) {
    root.querySelectorAll("[data-stepper] [data-step]").forEach(function (button) {
      button.hidden = false;
    });
  }

  function step(button) {
    const input = button.closest("[data-stepper]").querySelector("input");
    const low = Number(input.min || 0);
    const high = Number(input.max || Infinity);
    const next = (parseInt(input.value, 10) || 0) + Number(button.dataset.step);
    input.value = String(Math.min(high, Math.max(low, next)));
    input.dispatchEvent(new Event("change", { bubbles: true }));
  }

  function closeFloating(except) {
    document.querySelectorAll("details[data-close-outside][open]").forEach(function (details) {
      if (!except || !details.contains(except)) details.open = false;
    });
    const suggestions = document.getElementById("suggestions");
    if (suggestions && (!except || !except.closest(".search"))) suggestions.replaceChildren();
  }

  function walkSuggestions(event) {
    const links = Array.from(document.querySelectorAll("#suggestions a"));
    if (!links.length) return;
    const field = document.getElementById("q");
    const at = links.indexOf(document.activeElement);
    event.preventDefault();
    if (event.key === "ArrowDown") (links[at + 1] || links[0]).focus();
    else if (at <= 0) field.focus();
    else links[at - 1].focus();
  }

  // Seconds are told by the page, from the shop's own clock, and counted down by how much time has passed since: what the
  // clock of this machine shows does not matter.
  function spell(seconds) {
    const two = function (number) {
      return String(number).padStart(2, "0");
    };
    const days = Math.floor(seconds / 86400);
    const clock = two(Math.floor(seconds / 3600) % 24) + ":" + two(Math.floor(seconds / 60) % 60) + ":" + two(seconds % 60);
    return days ? days + " · " + clock : clock;
  }

  let ticking = 0;

  function countDown() {
    if (!ticking && document.querySelector("[data-countdown]")) ticking = window.setInterval(countDown, 1000);
    document.querySelectorAll("[data-countdown]").forEach(function (place) {
      if (!place.dataset.since) place.dataset.since = String(performance.now());
      const passed = Math.floor((performance.now() - Number(place.dataset.since)) / 1000);
      const left = Number(place.dataset.countdown) - passed;
      if (!place.title) place.title = place.textContent.trim();
      place.textContent = left > 0 ? spell(left) : place.dataset.over;
    });
  }

  function showCopiers(root) {
    root.querySelectorAll("[data-copy]").forEach(function (button) {
      button.hidden = false;
    });
  }

  function copy(button) {
    const field = document.getElementById(button.dataset.copy);
    field.select();
    const done = function () {
      button.textContent = button.dataset.copied;
    };
    // Without a secure connection there is no clipboard to write to; the field is selected for copying by hand.
    if (navigator.clipboard) navigator.clipboard.writeText(field.value).then(done, function () {});
    else if (document.execCommand("copy")) done();
  }

  document.addEventListener("click", function (event) {
    const copier = event.target.closest("[data-copy]");
    if (copier) copy(copier);
    const button = event.target.closest("[data-step]");
    if (button && button.closest("[data-stepper]")) step(button);
    const close = event.target.closest("[data-close]");
    if (close) close.closest(".message").remove();
    closeFloating(event.target);
  });

  document.addEventListener("keydown", function (event) {
    if (event.key === "Escape") {
      const open = event.target.closest("details[data-close-outside][open]");
      closeFloating(null);
      if (open) open.querySelector("summary").focus();
    }
    if ((event.key === "ArrowDown" || event.key === "ArrowUp") && event.target.closest(".search")) {
      walkSuggestions(event);
    }
  });

  // Beside the goods a choice takes effect at once; in the phone's fold several are made first.
  document.addEventListener("change", function (event) {
    const form = event.target.closest(".facets-form");
    if (form && event.target.type === "checkbox" && window.matchMedia("(min-width: 60rem)").matches) {
      form.requestSubmit();
    }
  });

  document.addEventListener("submit", function (event) {
    const form = event.target;
    if (!form.hasAttribute("data-once")) return;
    if (form.dataset.sent) {
      event.preventDefault();
      return;
    }
    form.dataset.sent = "1";
    // Not disabled at once: a disabled button would leave its own name and value out of what is sent.
    window.setTimeout(function () {
      form.querySelectorAll("button[type=submit]").forEach(function (button) {
        button.disabled = true;
      });
    }, 0);
  });

  // Coming back by the browser's back button shows the page as it was left: open the sent forms again.
  window.addEventListener("pageshow", function (event) {
    if (!event.persisted) return;
    document.querySelectorAll("form[data-sent]").forEach(function (form) {
      delete form.dataset.sent;
      form.querySelectorAll("button[type=submit]").forEach(function (button) {
        button.disabled = false;
      });
    });
  });

  // A part of the page that is brought anew leaves the folds that were opened in it open.
  let openFolds = [];

  document.addEventListener("htmx:beforeSwap", function (event) {
    openFolds = Array.from(event.target.querySelectorAll("details[id][open]"), function (fold) {
      return fold.id;
    });
  });

  document.addEventListener("htmx:afterSwap", function () {
    openFolds.forEach(function (id) {
      const fold = document.getElementById(id);
      if (fold) fold.open = true;
    });
  });

  document.addEventListener("htmx:afterSettle", function (event) {
    showSteppers(event.target);
    showCopiers(event.target);
    countDown();
    document.querySelectorAll("[data-fade]:not([data-fading])").forEach(function (message) {
      message.dataset.fading = "1";
      window.setTimeout(function () {
        if (!message.contains(document.activeElement)) message.remove();
      }, 8000);
    });
  });

  showSteppers(document);
  showCopiers(document);
  countDown();
  const summary = document.getElementById("summary");
  if (summary) summary.focus();
})();
