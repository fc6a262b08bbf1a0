// Types that heed.js is checked with. They stand here because that file is kept small; nothing loads this one.

declare namespace H {
  interface Item {
    id: number;
    external_id: string;
    kind: string;
    title: string;
    year: number | null;
    image_url: string;
    genres: string[];
  }

  /** Item as one acts on it: of a list, or from elsewhere with kind and id alone. */
  interface Target {
    item: { id: number | string; kind: string };
    session?: string | null;
  }

  /** Item in a list. */
  interface Entry extends Target {
    item: Item;
    rank: number;
    score: number;
    why: string;
    session?: string;
  }

  interface Row {
    because: Item;
    did: string;
    entries: Entry[];
  }

  type Query = Record<string, string>;
  type Attributes = Record<string, string>;

  interface Words {
    /** Has `{kind}` where the kind of the item stands. */
    why: string;
    confirm: string;
    dislike: string;
    gone: string;
    undo: string;
    because: string;
    empty: string;
    failed: string;
    reasons: Record<string, string>;
    /** Labels of actions. */
    [action: string]: Answer;
  }

  /** What `window.Heed` is (docs/how-to/embedding.md). */
  interface Api {
    words: Words;
    onTokenExpired(): Promise<string> | string;
    list(kind: string, query?: Query): Promise<Entry[]>;
    similar(entry: Target, query?: Query): Promise<Entry[]>;
    becauseYouWatched(query?: Query): Promise<Row[]>;
    act(entry: Target, action: string, more?: object): Promise<unknown>;
    undo(entry: Target, action: string): Promise<unknown>;
    dislike(entry: Target, said?: { reason?: string; text?: string }): Promise<unknown>;
    watch(element: Element, entry: Entry): void;
    show(place: HTMLElement): Promise<void>;
  }

  // The functions inside.
  // biome-ignore lint/suspicious/noExplicitAny: an answer in JSON
  type Answer = any;
  type Ask = (method: string, path: string, body?: object, options?: RequestInit) => Promise<Answer>;
  type Get = (path: string, query?: Query) => Promise<Answer>;
  type PathOf = (target: Target) => string;
  type Entries = (slots: Answer[], session?: string) => Entry[];
  type Context = (target: Target) => object;
  type See = (entry: Entry) => void;
  type Send = (session: string | undefined, options?: RequestInit) => Promise<void>;
  type Make = (tag: string, name: string, text?: string, attributes?: Attributes) => HTMLElement;
  type Button = (
    label: string,
    entry: Entry,
    note: Element,
    work: (one: HTMLElement) => unknown,
    attributes?: Attributes,
  ) => HTMLElement;
  type ActionButton = (entry: Entry, action: string, note: Element) => HTMLElement;
  type DislikeButton = (entry: Entry, box: Element, note: Element) => [HTMLElement, HTMLElement];
  type Open = (isOpen: HTMLElement["hidden"]) => void;
  type Picture = (item: Item) => HTMLElement;
  type Card = (entry: Entry, options: DOMStringMap) => HTMLElement;
}

interface Window {
  Heed: H.Api;
}
