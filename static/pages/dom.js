// Finding elements, their types checked, and making them.

/** First element that a selector finds; null where there is none.
 * @type {<T extends Element>(type: new () => T, selector: string, within?: ParentNode) => T | null} */
export function find(type, selector, within = document) {
  const found = within.querySelector(selector);
  return found && ofType(type, found, selector);
}

/** The same where there always is one.
 * @type {<T extends Element>(type: new () => T, selector: string, within?: ParentNode) => T} */
export function get(type, selector, within = document) {
  return ofType(type, within.querySelector(selector), selector);
}

/** @type {<T extends Element>(type: new () => T, selector: string, within?: ParentNode) => T[]} */
export function all(type, selector, within = document) {
  return [...within.querySelectorAll(selector)].map((element) => ofType(type, element, selector));
}

/** Element that encloses the target of an event, or is it; null where none does.
 * @type {<T extends Element>(type: new () => T, selector: string, target: EventTarget | null) => T | null} */
export function enclosing(type, selector, target) {
  const found = target instanceof Element ? target.closest(selector) : null;
  return found && ofType(type, found, selector);
}

/** @type {<T extends keyof HTMLElementTagNameMap>(tag: T, name: string, text?: string) => HTMLElementTagNameMap[T]} */
export function make(tag, className, textContent = "") {
  return Object.assign(document.createElement(tag), { className, textContent });
}

/** @type {(label: string, act: () => void, name?: string) => HTMLButtonElement} */
export function makeButton(label, act, name = "") {
  const button = make("button", name, label);
  button.type = "button";
  button.addEventListener("click", act);
  return button;
}

/** @type {<T extends Element>(type: new () => T, element: Element | null, selector: string) => T} */
function ofType(type, element, selector) {
  if (element instanceof type) return element;
  throw new TypeError(`${selector} is no ${type.name} but ${element}`);
}
