import type { Pages } from './server.js';

/**
 * The stand-in for tilled.js: GET /v2 serves a script with its surface, GET /v2/field and /v2/bridge what its iframes
 * show. A field is an input in an iframe of the sandbox's origin; the bridge, another iframe of that origin, reads the
 * fields beside it and posts them to the sandbox. The embedding page sees neither numbers nor the fields' documents.
 */
export function hostedFieldsPages(): Pages {
  return ({ method, url }) => {
    if (method !== 'GET') return undefined;
    if (url.pathname === '/v2') return { status: 200, headers: head('text/javascript'), body: SCRIPT };
    if (url.pathname === '/v2/field') return { status: 200, headers: head('text/html'), body: FIELD };
    if (url.pathname === '/v2/bridge') return { status: 200, headers: head('text/html'), body: BRIDGE };
    return undefined;
  };
}

function head(type: string): Record<string, string> {
  return { 'content-type': `${type}; charset=utf-8`, 'cache-control': 'no-store' };
}

/** Runs in the page of the merchant: makes iframes and passes messages. */
const SCRIPT = `(() => {
  const origin = new URL(document.currentScript.src).origin;
  const frame = (path, query) => {
    const element = document.createElement('iframe');
    element.src = origin + path + '?' + new URLSearchParams(query);
    element.name = 'tilled-' + query.form + '-' + (query.name || 'bridge');
    element.style.cssText = 'border:0;width:100%;height:100%';
    return element;
  };
  const loaded = (element) => new Promise((resolve) => element.addEventListener('load', resolve, { once: true }));
  let count = 0;

  class Field {
    constructor(form, name, options) {
      Object.assign(this, { form, name, options: options || {}, handlers: {} });
      this.element = frame('/v2/field', { form: form.id, name, placeholder: this.options.placeholder || '' });
    }
    inject(target) {
      this.target = typeof target === 'string' ? document.querySelector(target) : target;
      return this;
    }
    on(event, handler) {
      (this.handlers[event] = this.handlers[event] || []).push(handler);
      return this;
    }
    tell(event, detail) {
      for (const handler of this.handlers[event] || []) handler(detail);
    }
  }

  class Form {
    constructor(tilled, options) {
      count += 1;
      Object.assign(this, { tilled, options: options || {}, id: String(count), fields: {}, handlers: {}, states: {}, pending: {}, sent: 0 });
      this.bridge = frame('/v2/bridge', { form: this.id });
      this.bridge.style.display = 'none';
      this.listen = (message) => this.receive(message);
    }
    createField(name, options) {
      this.fields[name] = new Field(this, name, options);
      return this.fields[name];
    }
    async build() {
      addEventListener('message', this.listen);
      const frames = Object.values(this.fields).map((field) => {
        const ready = loaded(field.element);
        field.target.replaceChildren(field.element);
        return ready;
      });
      const ready = loaded(this.bridge);
      document.body.append(this.bridge);
      await Promise.all([...frames, ready]);
    }
    teardown() {
      removeEventListener('message', this.listen);
      for (const field of Object.values(this.fields)) field.element.remove();
      this.bridge.remove();
      return Promise.resolve(true);
    }
    on(event, handler) {
      (this.handlers[event] = this.handlers[event] || []).push(handler);
      return this;
    }
    get invalid() {
      return Object.keys(this.fields).some((name) => !(this.states[name] && this.states[name].valid));
    }
    get valid() {
      return !this.invalid;
    }
    getCardBrand() {
      return (this.states.cardNumber && this.states.cardNumber.brand) || 'unknown';
    }
    receive(message) {
      if (message.origin !== origin || !message.data || message.data.form !== this.id) return;
      const { event, name, state, answer, error, sent } = message.data;
      if (sent) {
        const { resolve, reject } = this.pending[sent];
        delete this.pending[sent];
        return error ? reject(new Error(error)) : resolve(answer);
      }
      this.states[name] = state;
      if (this.fields[name]) this.fields[name].tell(event, state);
      for (const handler of this.handlers.validation || []) handler({ field: name, ...state });
    }
    ask(request) {
      this.sent += 1;
      const sent = this.sent;
      const { key, account } = this.tilled;
      return new Promise((resolve, reject) => {
        this.pending[sent] = { resolve, reject };
        this.bridge.contentWindow.postMessage({ form: this.id, sent, key, account, request }, origin);
      });
    }
  }

  window.Tilled = class Tilled {
    constructor(key, account, options) {
      Object.assign(this, { key, account, options: options || {} });
    }
    async form(options) {
      this.lastForm = new Form(this, options);
      return this.lastForm;
    }
    createPaymentMethod({ form, ...details }) {
      return (form || this.lastForm).ask({ kind: 'method', details });
    }
    async confirmPayment(clientSecret, { payment_method: method, form }) {
      const asked = form || (typeof method === 'object' && method.form) || this.lastForm;
      const id = typeof method === 'string' ? method : (await this.createPaymentMethod({ ...method, form: asked })).id;
      return asked.ask({ kind: 'confirm', intent: clientSecret.split('_secret_')[0], method: id });
    }
  };
})();
`;

/** Runs in the iframe of one field. Tells the page whether it is filled in well, never with what. */
const FIELD = `<!doctype html><meta charset="utf-8"><style>body{margin:0}input{box-sizing:border-box;width:100%;font:inherit;border:0;outline:0}</style>
<input id="value" inputmode="numeric" autocomplete="off"><script>
const query = new URLSearchParams(location.search);
const input = document.getElementById('value');
input.placeholder = query.get('placeholder');
const digits = () => input.value.replace(/\\D/g, '');
const valid = {
  cardNumber: () => /^\\d{12,19}$/.test(digits()),
  cardExpiry: () => /^(0?[1-9]|1[0-2])\\s*\\/\\s*(\\d{2}|20\\d{2})$/.test(input.value.trim()),
  cardCvv: () => /^\\d{3,4}$/.test(digits()),
  bankRoutingNumber: () => /^\\d{9}$/.test(digits()),
  bankAccountNumber: () => /^\\d{4,17}$/.test(digits()),
};
const brand = () => (/^4/.test(digits()) ? 'visa' : /^5|^2/.test(digits()) ? 'mastercard' : /^3[47]/.test(digits()) ? 'amex' : /^6/.test(digits()) ? 'discover' : 'unknown');
const tell = (event) => {
  const name = query.get('name');
  const state = { valid: valid[name] ? valid[name]() : true, empty: input.value === '' };
  if (name === 'cardNumber') state.brand = brand();
  parent.postMessage({ form: query.get('form'), name, event, state }, '*');
};
input.addEventListener('input', () => tell('change'));
input.addEventListener('focus', () => tell('focus'));
input.addEventListener('blur', () => tell('blur'));
</script>`;

/**
 * Runs in the hidden iframe of a form: the only one that reads the fields and the only one that speaks to the sandbox.
 */
const BRIDGE = `<!doctype html><meta charset="utf-8"><script>
const form = new URLSearchParams(location.search).get('form');
const read = (name) => {
  const field = parent.frames['tilled-' + form + '-' + name];
  return field ? field.document.getElementById('value').value.trim() : '';
};
const numbers = (details) => {
  if (details.type === 'ach_debit') return { ach_debit: { ...details.ach_debit, account_number: read('bankAccountNumber'), routing_number: read('bankRoutingNumber') } };
  const [month, year] = read('cardExpiry').split('/').map(Number);
  return { card: { number: read('cardNumber').replace(/\\D/g, ''), exp_month: month, exp_year: year < 100 ? 2000 + year : year, cvc: read('cardCvv') } };
};
addEventListener('message', async ({ source, origin, data }) => {
  if (source !== parent || !data || data.form !== form) return;
  const { sent, key, account, request } = data;
  const isMethod = request.kind === 'method';
  const path = isMethod ? '/v1/payment-methods' : '/v1/payment-intents/' + request.intent + '/confirm';
  const body = isMethod ? { ...request.details, ...numbers(request.details) } : { payment_method_id: request.method };
  try {
    const answer = await fetch(path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', 'tilled-api-key': key, 'tilled-account': account },
      body: JSON.stringify(body),
    });
    const value = await answer.json();
    source.postMessage(answer.ok ? { form, sent, answer: value } : { form, sent, error: [value.message].flat().join('; ') }, origin);
  } catch (error) {
    source.postMessage({ form, sent, error: String(error) }, origin);
  }
});
</script>`;
