// Passkeys: asks the shop for a question, the authenticator for its answer, and sends that like any other form.
// Without this script, or where the browser cannot do it, the buttons stay hidden and the password remains.
"use strict";

(function () {
  // WebAuthn needs a host name: at a bare address such as 127.0.0.1 no passkey can be made.
  const isAddress = /^[\d.]+$|^\[/.test(location.hostname);
  if (!window.PublicKeyCredential || !window.isSecureContext || isAddress) {
    document.querySelectorAll("[data-passkey-missing]").forEach(function (note) {
      note.hidden = false;
    });
    return;
  }

  function decode(text) {
    const plain = atob(text.replace(/-/g, "+").replace(/_/g, "/"));
    return Uint8Array.from(plain, function (sign) {
      return sign.charCodeAt(0);
    });
  }

  function encode(buffer) {
    const plain = String.fromCharCode.apply(null, new Uint8Array(buffer));
    return btoa(plain).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
  }

  function describe(item) {
    return Object.assign({}, item, { id: decode(item.id) });
  }

  function readOptions(options) {
    options.challenge = decode(options.challenge);
    if (options.user) options.user.id = decode(options.user.id);
    if (options.excludeCredentials) options.excludeCredentials = options.excludeCredentials.map(describe);
    if (options.allowCredentials) options.allowCredentials = options.allowCredentials.map(describe);
    return options;
  }

  function pack(credential) {
    const response = {};
    ["attestationObject", "clientDataJSON", "authenticatorData", "signature", "userHandle"].forEach(function (name) {
      if (credential.response[name]) response[name] = encode(credential.response[name]);
    });
    return JSON.stringify({
      id: credential.id,
      rawId: encode(credential.rawId),
      type: credential.type,
      response: response,
      clientExtensionResults: {},
    });
  }

  function fail(form) {
    const note = form.querySelector("[data-passkey-failed]");
    if (note) note.hidden = false;
    form.querySelectorAll("button").forEach(function (button) {
      button.disabled = false;
    });
  }

  async function ask(form) {
    const answer = await fetch(form.dataset.question, {
      method: "POST",
      body: new URLSearchParams(new FormData(form)),
      headers: { accept: "application/json" },
    });
    if (!answer.ok) throw new Error("the question was refused");
    const question = await answer.json();
    const publicKey = readOptions(question.options);
    const credential =
      form.dataset.passkey === "make"
        ? await navigator.credentials.create({ publicKey: publicKey })
        : await navigator.credentials.get({ publicKey: publicKey });
    form.elements.challenge_id.value = question.challenge_id;
    form.elements.credential.value = pack(credential);
    HTMLFormElement.prototype.submit.call(form);
  }

  document.querySelectorAll("form[data-passkey]").forEach(function (form) {
    form.hidden = false;
    form.addEventListener("submit", function (event) {
      event.preventDefault();
      form.querySelectorAll("button").forEach(function (button) {
        button.disabled = true;
      });
      ask(form).catch(function () {
        fail(form);
      });
    });
  });
})();
