// of c491b053262c0ec2233ba8dd337fcca430f095f6684099c43e93f2c2f25ef6cb
/* eslint-disable */
/* tslint:disable */
/*
 * ---------------------------------------------------------------
 * ## THIS FILE WAS GENERATED VIA SWAGGER-TYPESCRIPT-API        ##
 * ##                                                           ##
 * ## AUTHOR: acacode                                           ##
 * ## SOURCE: https://github.com/acacode/swagger-typescript-api ##
 * ---------------------------------------------------------------
 */

/** One profile as it is now. */
export interface AccountProfileAnswer {
  /** A profile of an account. */
  profile: AccountProfileJson;
  success: boolean;
}

/** A new profile. */
export interface AccountProfileBodyRequest {
  /**
   * its lists leave out what heed.toml calls `grown_up`
   * @default false
   */
  for_children?: boolean;
  /**
   * such as `With the kids`; no two of an account are alike
   * @minLength 1
   * @maxLength 40
   */
  name: string;
  /**
   * more to leave out, such as `nothing scary`
   * @maxLength 200
   * @default ""
   */
  wishes?: string;
}

/** A profile of an account. */
export interface AccountProfileJson {
  name: string;
  /**
   * for the header `X-Profile`
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  profile_id: number;
}

/** The profiles of the caller's account, the oldest first. */
export interface AccountProfilesAnswer {
  /**
   * in `X-Profile` for the account itself
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  account_id: number;
  /**
   * who acts in this request: the account or a profile of it
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  acting_as: number;
  profiles: AccountProfileJson[];
  success: boolean;
}

/** The answer to an action. */
export interface ActionAnswer {
  /** false where it was on record before */
  created: boolean;
  interaction_id: number;
  /** the same as `type` */
  interaction_type: string;
  item_id: number;
  /** @format date-time */
  occurred_at: string;
  /** @format double */
  rating: number | null;
  recommendation_method: string;
  recommendation_rank: number | null;
  /** @format double */
  recommendation_score: number | null;
  /** @format uuid */
  recommendation_session_id: string | null;
  recommendation_source: string;
  success: boolean;
  type: string;
}

/** The body of an action: all of it may be left out. Only the session id says where the item was met. */
export interface ActionBodyRequest {
  /**
   * @format double
   * @min 0
   * @max 10
   */
  rating?: number | null;
  /**
   * the list from which the person came
   * @format uuid
   */
  recommendation_session_id?: string | null;
}

/** The version that leads the lists of a use case. */
export interface ActiveVersionEntry {
  /**
   * its NDCG@10, 0 to 1, where it was evaluated
   * @format double
   */
  accuracy: number | null;
  /** @format date-time */
  created_at: string;
  use_case: string;
  /** as commands and lists name it */
  version: string;
  version_id: number;
}

/** The share of a score that is left to the model: at first, and for this person. */
export interface Alpha {
  /** @format double */
  original_alpha: number;
  /** @format double */
  personalized_alpha: number;
}

/** The analysis of a query. `text` names nothing; `is_title`: it is the whole title of an item. */
export interface Analysis {
  /** it is to be for children */
  children: boolean;
  country: string;
  franchises: string[];
  genres: string[];
  is_title: boolean;
  /** the title that followed a `like` */
  like: string;
  people: string[];
  positions: string[];
  publishers: string[];
  text: string;
  themes: string[];
  /** what followed a `not` */
  without: string[];
  years: Years | null;
}

/** The single best item now. */
export interface BestAnswer {
  method_used: string;
  model_version: string;
  /** One position of a list. */
  recommendation: Slot;
  /** @format uuid */
  recommendation_session_id: string;
  use_case: string;
}

/** The factors of a base score: boosts by taste, the penalty by dislikes, and what the person has seen. */
export interface Boost {
  /** @format double */
  actor: number;
  /**
   * where the request boosts or buries the item
   * @format double
   */
  asked?: number;
  /**
   * where rules of staff boost or bury the item
   * @format double
   */
  curated?: number;
  /** @format double */
  director: number;
  /** @format double */
  dislikes: number;
  /** @format double */
  genre: number;
  /** @format double */
  seen: number;
  /** @format double */
  theme: number;
}

/** The answer to interactions in bulk, in the order in which they were sent. */
export interface BulkAnswer {
  /** as above: how many people are new */
  created_users?: number;
  errors?: RowError[];
  /** empty where rows name their people */
  interactions: Recorded[];
  /** how many are new */
  recorded: number;
  success: boolean;
  /** where rows name their people: how many were on record before */
  unchanged?: number;
}

/** Many interactions. */
export interface BulkBodyRequest {
  /** @maxItems 1000 */
  interactions: InteractionBodyRequest[];
}

/** One row of items similar to one that the person has done something with. */
export interface Carousel {
  /** An item as the API shows it. Used to describe; `item_json` makes the same form faster. */
  because: Item;
  did: string;
  /** @format uuid */
  recommendation_session_id: string;
  recommendations: SimilarItem[];
}

/** The rows, newest reason first. Each is recorded, so that actions can name it. */
export interface CarouselsAnswer {
  carousels: Carousel[];
  use_case: string;
}

/** An entry of the taste vector that moved. */
export interface Change {
  /** @format double */
  after: number;
  /** @format double */
  before: number;
  kind: string;
  name: string;
}

/** The caller. */
export interface CheckAuth {
  authenticated: boolean;
  user_id: number | null;
  username: string | null;
}

/** Items that count as liked and disliked for this one list; nothing of them is recorded as an act. */
export interface ContextBodyRequest {
  /** true: the person's own history and taste say nothing here */
  alone?: boolean;
  /** @maxItems 100 */
  negatives?: number[];
  /** @maxItems 100 */
  positives?: number[];
}

/**
 * * `session` - session
 * * `client` - client
 * * `import` - import
 * * `none` - none
 */
export type ContextSourceEnum = "session" | "client" | "import" | "none";

/** That the no is on record, and all that follows from it. */
export interface DislikeAnswer {
  /**
   * session: our record of the list; client: what the client said, which proves nothing
   *
   * * `session` - session
   * * `client` - client
   * * `import` - import
   * * `none` - none
   */
  context_source: ContextSourceEnum;
  /** null for a no that ends: see wish */
  dislike_id: number | null;
  /** A penalty in this person's lists from now on: −0.15 is 15 % less. */
  feature_adjustments: FeatureAdjustments;
  /** a sentence for the person: what was recorded, and what it changes */
  message: string;
  /** The progress of the examples towards asking for a model, of the use case that is nearest to it. */
  retraining: RetrainingState;
  success: boolean;
  /** The examples that models will learn from it. */
  training_impact: TrainingImpact;
  /** The dislikes of this person. */
  user_patterns: UserPatterns;
  /** the rule that it made: a no with an end, or a block */
  wish: WishJson | null;
}

/**
 * A no. `predicted_score`, `genres` and `cast` count only where the server has no record of its own.
 *
 * A `recommendation_set_id` that is none of the caller's lists with the item is kept, and proves nothing.
 */
export interface DislikeBodyRequest {
  /**
   * the one facet of the item that the no is about, such as `genre:Crime`; it holds that back alone
   * @maxLength 300
   * @default ""
   */
  about?: string;
  /** @maxItems 50 */
  cast?: string[];
  /**
   * @maxLength 2000
   * @default ""
   */
  feedback_text?: string;
  /** @maxItems 50 */
  genres?: string[];
  /**
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  movie_id?: number | null;
  /**
   * @maxLength 300
   * @default ""
   */
  movie_title?: string;
  /**
   * @format double
   * @min 0
   * @max 3
   */
  predicted_score?: number | null;
  /** @default "not_interested" */
  reason?: ReasonEnum;
  recommendation_set_id?: number | string | null;
  /**
   * how far it reaches. `title` says nothing about other titles. `tonight`, `day`, `week` and `month` make a wish that ends then, and no dislike. `never` is a lasting block of what it is about
   *
   * * `always` - always
   * * `title` - title
   * * `tonight` - tonight
   * * `day` - day
   * * `week` - week
   * * `month` - month
   * * `never` - never
   * @default "always"
   */
  scope?: ScopeEnum;
}

/** One dislike of the caller. */
export interface DislikeEntry {
  /** the facet that it named, as in `genre:Crime` */
  about: string | null;
  /**
   * * `session` - session
   * * `client` - client
   * * `import` - import
   * * `none` - none
   */
  context_source: ContextSourceEnum;
  /** @format date-time */
  created_at: string;
  dislike_id: number;
  feedback_text: string;
  /** the same as movie_id */
  item_id: number;
  movie_id: number;
  movie_title: string;
  /** @format double */
  predicted_score: number | null;
  reason: string;
  /** as it was given */
  recommendation_set_id: string | null;
  /** the same as movie_title */
  title: string;
  /** whether it says nothing about other titles */
  title_only: boolean;
  /** whether a model was trained with its example */
  used_in_training: boolean;
}

/** The reason, and the list in which the item was met. */
export interface DislikeReasonBodyRequest {
  /**
   * the one facet of the item that the no is about, such as `genre:Crime`; it holds that back alone
   * @maxLength 300
   * @default ""
   */
  about?: string;
  /**
   * @maxLength 2000
   * @default ""
   */
  feedback_text?: string;
  /** @default "not_interested" */
  reason?: ReasonEnum;
  /** @format uuid */
  recommendation_session_id?: string | null;
  /**
   * how far it reaches. `title` says nothing about other titles. `tonight`, `day`, `week` and `month` make a wish that ends then, and no dislike. `never` is a lasting block of what it is about
   *
   * * `always` - always
   * * `title` - title
   * * `tonight` - tonight
   * * `day` - day
   * * `week` - week
   * * `month` - month
   * * `never` - never
   * @default "always"
   */
  scope?: ScopeEnum;
}

/** The body of every answer that is not a success. */
export interface Error {
  error: string;
  /** @default false */
  success?: boolean;
}

/** The negative training examples of any time, and how wrong the predictions behind them were. */
export interface ExampleErrorsEntry {
  /** @format double */
  avg_prediction_error: number | null;
  /** @format double */
  max_error: number | null;
  /** @format double */
  min_error: number | null;
  total_negative_examples: number;
}

/** A page of rows, and the cursor of the next page; null at the end. */
export interface ExportAnswer {
  next: number | null;
  rows: Record<string, any>[];
}

/** A list that was made elsewhere, as it was shown. */
export interface ExternalSessionRequest {
  /**
   * @minLength 1
   * @maxLength 64
   */
  method: string;
  /**
   * @maxLength 200
   * @default ""
   */
  model_version?: string;
  /** @format uuid */
  recommendation_session_id: string;
  /** @maxItems 500 */
  recommendations: ExternalSlotRequest[];
  /**
   * * `movie_home` - movie_home
   * * `drama_home` - drama_home
   * * `developer_startup` - developer_startup
   * * `investor_startup` - investor_startup
   */
  use_case: UseCaseEnum;
}

/** One position of a list that was made elsewhere. */
export interface ExternalSlotRequest {
  /**
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  item_id: number;
  /**
   * @minLength 1
   * @maxLength 64
   */
  method: string;
  /**
   * @min 1
   * @max 500
   */
  rank: number;
  /**
   * @format double
   * @min 0
   * @max 3
   */
  score: number;
}

/** A penalty in this person's lists from now on: −0.15 is 15 % less. */
export interface FeatureAdjustments {
  cast_adjustments: Record<string, number>;
  /**
   * 0 where the item is of no series
   * @format double
   */
  franchise_adjustment: number;
  genre_adjustments: Record<string, number>;
  reason: string;
}

/** That the feedback is on record, and what it moved. */
export interface FeedbackAnswer {
  changes: Change[];
  /** false where it was on record before */
  created: boolean;
  feedback_count: number;
  item_id: number;
  /** @min 1 */
  next_update_in: number;
  success: boolean;
  /** whether the taste vector moved */
  updated: boolean;
}

/** A like (1) or a dislike (0) of an item, named by its id or its title. */
export interface FeedbackBodyRequest {
  /**
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  item_id?: number | null;
  /**
   * where a title names it
   *
   * * `movie` - movie
   * * `drama` - drama
   * * `startup` - startup
   * * `movies` - movies
   * * `dramas` - dramas
   * * `startups` - startups
   */
  kind?: KindEnum | NullEnum | null;
  /**
   * @maxLength 300
   * @default ""
   */
  movie_name?: string;
  /**
   * @min 0
   * @max 1
   */
  rating: number;
  /** @format uuid */
  recommendation_session_id?: string | null;
  /**
   * the caller if left out
   * @minLength 1
   */
  user_id?: string | number | null;
}

/** An item that was found. `boost_percent` is what taste adds to its relevance. */
export interface Found {
  /**
   * the relevance
   * @format double
   */
  base_score: number;
  /** The factors of a base score: boosts by taste, the penalty by dislikes, and what the person has seen. */
  boost_details: Boost;
  /** @format double */
  boost_multiplier: number;
  boost_percent: number;
  /** An item as the API shows it. Used to describe; `item_json` makes the same form faster. */
  item: Item;
  /**
   * the score: the relevance, boosted by taste
   * @format double
   */
  personalized_score: number;
  rank: number;
  /** @format double */
  relevance: number;
  /** @format double */
  score: number;
  why: string;
}

/** The caller's dislikes that stand, newest first. */
export interface HistoryAnswer {
  /** how many are listed here */
  count: number;
  dislikes: DislikeEntry[];
  success: boolean;
  /** how many there are */
  total: number;
}

/** The titles of a file. Nothing is recorded yet. */
export interface HistoryFileAnswer {
  bad_rows: number;
  format: string;
  success: boolean;
  titles: HistoryTitle[];
}

/** A file that another service gave a person, as text. */
export interface HistoryFileBodyRequest {
  /**
   * of the file, such as `ratings.csv`
   * @minLength 1
   * @maxLength 200
   */
  name: string;
  /**
   * all that the file holds
   * @maxLength 2000000
   */
  text: string;
}

/** One title of the file: the row that `POST /api/interactions` takes, and what it is here. */
export interface HistoryTitle {
  /** why it may be another one; blank where it is sure */
  doubt: string;
  /** null where nothing here is like it */
  item_id: number | null;
  item_title: string;
  item_year: number | null;
  /** @format date-time */
  occurred_at: string | null;
  /**
   * 0 to 10
   * @format double
   */
  rating: number | null;
  title: string;
  type: string;
  year: number | null;
}

/** Something that the caller turns down: a genre, a person, a series. */
export interface IdentifiedPattern {
  dislikes: number;
  kind: string;
  /** @format date-time */
  last_at: string;
  name: string;
  /** @format date-time */
  since: string;
}

/** This period against the one before. */
export interface ImprovementEntry {
  /** @format double */
  dislike_rate: number | null;
  /** @format double */
  dislike_rate_before: number | null;
  /** @format double */
  mean_error: number | null;
  /** @format double */
  mean_error_before: number | null;
}

/**
 * * `features` - features
 * * `why` - why
 */
export type IncludeEnum = "features" | "why";

/** One interaction in bulk. */
export interface InteractionBodyRequest {
  /**
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  item_id: number;
  /** @format date-time */
  occurred_at?: string | null;
  /**
   * @format double
   * @min 0
   * @max 10
   */
  rating?: number | null;
  /**
   * the list from which the person came
   * @format uuid
   */
  recommendation_session_id?: string | null;
  /**
   * * `view` - view
   * * `click` - click
   * * `like` - like
   * * `favorite` - favorite
   * * `apply` - apply
   * * `interest` - interest
   * * `watched` - watched
   * * `watchlist_add` - watchlist_add
   * * `watchlist_remove` - watchlist_remove
   * * `dislike` - dislike
   */
  type: TypeEnum;
}

export type InteractionsBodyRequest = BulkBodyRequest | PeoplesBodyRequest;

/** An invitation of the caller, for whoever is to have a list with them. */
export interface InvitationAnswer {
  /** seconds */
  expires_in: number;
  invitation: string;
  success: boolean;
}

/** An item as the API shows it. Used to describe; `item_json` makes the same form faster. */
export interface Item {
  description: string;
  /** What the catalog it came from calls it. */
  external_id: string;
  facets: Record<string, string[]>;
  genres: string[];
  id: number;
  /** Its picture; empty where none is known. */
  image_url: string;
  /** Invented for the demo. */
  is_synthetic: boolean;
  kind: string;
  original_title: string;
  /** @format date-time */
  published_at: string | null;
  title: string;
  /** A page that tells more about it; empty where none is known. */
  url: string;
  year: number | null;
}

/** An item, its attributes, and what stands between it and the caller. */
export interface ItemDetailAnswer {
  attributes: Record<string, string | number | boolean | string[]>;
  description: string;
  /** What the catalog it came from calls it. */
  external_id: string;
  facets: Record<string, string[]>;
  genres: string[];
  id: number;
  /** Its picture; empty where none is known. */
  image_url: string;
  /** Invented for the demo. */
  is_synthetic: boolean;
  kind: string;
  original_title: string;
  /** @format date-time */
  published_at: string | null;
  states: string[];
  title: string;
  /** A page that tells more about it; empty where none is known. */
  url: string;
  year: number | null;
}

/** The fields of an item as an app sends them, each of which may be left out. Used to describe. */
export interface ItemFieldsRequest {
  actors?: string[];
  attributes?: Record<string, string | number | boolean | string[]>;
  description?: string;
  directors?: string[];
  franchise?: string[];
  genres?: string[];
  image_url?: string;
  /** false hides it everywhere */
  is_active?: boolean;
  is_synthetic?: boolean;
  original_title?: string;
  positions?: string[];
  /** @format date-time */
  published_at?: string | null;
  publishers?: string[];
  themes?: string[];
  /**
   * needed by a new item
   * @minLength 1
   */
  title?: string;
  url?: string;
  year?: number | null;
}

/** One page of the catalog. */
export interface ItemPage {
  /** items on all pages */
  count: number;
  page: number;
  results: Item[];
}

/** An item with the names by which the app knows it. Used to describe. */
export interface ItemUpsertRequest {
  actors?: string[];
  attributes?: Record<string, string | number | boolean | string[]>;
  description?: string;
  directors?: string[];
  /**
   * @minLength 1
   * @maxLength 200
   */
  external_id: string;
  franchise?: string[];
  genres?: string[];
  image_url?: string;
  /** false hides it everywhere */
  is_active?: boolean;
  is_synthetic?: boolean;
  /**
   * * `movie` - movie
   * * `drama` - drama
   * * `startup` - startup
   * * `movies` - movies
   * * `dramas` - dramas
   * * `startups` - startups
   */
  kind: KindEnum;
  original_title?: string;
  positions?: string[];
  /** @format date-time */
  published_at?: string | null;
  publishers?: string[];
  themes?: string[];
  /**
   * needed by a new item
   * @minLength 1
   */
  title?: string;
  url?: string;
  year?: number | null;
}

/** An item as the app that keeps it sees it. */
export interface KeptItem {
  attributes: Record<string, string | number | boolean | string[]>;
  description: string;
  /** What the catalog it came from calls it. */
  external_id: string;
  facets: Record<string, string[]>;
  genres: string[];
  id: number;
  /** Its picture; empty where none is known. */
  image_url: string;
  is_active: boolean;
  /** Invented for the demo. */
  is_synthetic: boolean;
  kind: string;
  original_title: string;
  /** @format date-time */
  published_at: string | null;
  title: string;
  /** A page that tells more about it; empty where none is known. */
  url: string;
  year: number | null;
}

/** The item as it is stored now. */
export interface KeptItemAnswer {
  created: boolean;
  /** An item as the app that keeps it sees it. */
  item: KeptItem;
  success: boolean;
}

/**
 * * `movie` - movie
 * * `drama` - drama
 * * `startup` - startup
 * * `movies` - movies
 * * `dramas` - dramas
 * * `startups` - startups
 */
export type KindEnum =
  | "movie"
  | "drama"
  | "startup"
  | "movies"
  | "dramas"
  | "startups";

/**
 * * `always` - always
 * * `tonight` - tonight
 * * `day` - day
 * * `week` - week
 * * `month` - month
 */
export type LastsEnum = "always" | "tonight" | "day" | "week" | "month";

/** A personalized list, as it was recorded. */
export interface ListAnswer {
  drama_ids?: number[];
  method_used: string;
  model_version: string;
  movie_ids?: number[];
  /** the `cursor` of the next page; null at the end */
  next?: string | null;
  /** The influence of the person's taste profile on the list. */
  personalization: Personalization;
  /** @format uuid */
  recommendation_session_id: string;
  recommendations: Slot[];
  /** by the id of the item */
  scores: Record<string, number>;
  startup_ids?: number[];
  use_case: string;
}

/** The body of a request for a personalized list; all of it may be left out. */
export interface ListBodyRequest {
  /** @format uuid */
  after?: string;
  boost?: string | object | any[];
  bury?: string | object | any[];
  /** Items that count as liked and disliked for this one list; nothing of them is recorded as an act. */
  context?: ContextBodyRequest;
  /**
   * @minLength 1
   * @maxLength 20000
   */
  cursor?: string;
  exclude?: string | object;
  filter?: string | object;
  /** @maxItems 2 */
  include?: IncludeEnum[];
  /**
   * @min 1
   * @max 100
   */
  limit?: number;
  /**
   * @min 0
   * @max 2000
   */
  offset?: number;
  /**
   * @minLength 1
   * @maxLength 50
   */
  scenario?: string;
  /**
   * * `newest` - newest
   * * `oldest` - oldest
   */
  sort?: SortEnum;
  unseen?: boolean;
  /**
   * * `movie_home` - movie_home
   * * `drama_home` - drama_home
   * * `developer_startup` - developer_startup
   * * `investor_startup` - investor_startup
   */
  use_case?: UseCaseEnum;
}

/** Statistics of dislikes per model. */
export interface MetricsAnswer {
  /** of the use case asked for; null where no model serves */
  active_model_version: ActiveVersionEntry | null;
  /** This period against the one before. */
  improvement: ImprovementEntry;
  /** The negative training examples of any time, and how wrong the predictions behind them were. */
  metrics: ExampleErrorsEntry;
  models: ModelFeedbackEntry[];
  /** The progress of the examples towards asking for a model, of the use case that is nearest to it. */
  retraining: RetrainingState;
  retraining_by_use_case: RetrainingState[];
  success: boolean;
}

/** One model version over the period. */
export interface ModelFeedbackEntry {
  /** @format double */
  dislike_rate: number | null;
  dislikes: number;
  lists: number;
  /** @format double */
  mean_error: number | null;
  model_version: string;
  slots_seen: number;
}

/** A name and how often it occurs. */
export interface NameCount {
  count: number;
  name: string;
}

export type NullEnum = null;

/** A token for the pages of another site. */
export interface PageToken {
  /** seconds */
  expires_in: number;
  page_token: string;
  success: boolean;
}

/** The wishes that a text says. Nothing of it acts yet. */
export interface ParsedAnswer {
  not_understood: string;
  success: boolean;
  understood: UnderstoodWish[];
}

/** The new name of a profile. */
export interface PatchedAccountProfileNameBodyRequest {
  /**
   * @minLength 1
   * @maxLength 40
   */
  name?: string;
}

/** The fields of an item as an app sends them, each of which may be left out. Used to describe. */
export interface PatchedItemFieldsRequest {
  actors?: string[];
  attributes?: Record<string, string | number | boolean | string[]>;
  description?: string;
  directors?: string[];
  franchise?: string[];
  genres?: string[];
  image_url?: string;
  /** false hides it everywhere */
  is_active?: boolean;
  is_synthetic?: boolean;
  original_title?: string;
  positions?: string[];
  /** @format date-time */
  published_at?: string | null;
  publishers?: string[];
  themes?: string[];
  /**
   * needed by a new item
   * @minLength 1
   */
  title?: string;
  url?: string;
  year?: number | null;
}

/** The fields of a person that an app may set; those left out stay as they are. */
export interface PatchedPersonBodyRequest {
  /** false: nobody may act for them any more */
  is_active?: boolean;
  /** @maxItems 2 */
  roles?: RolesEnum[];
}

/** The strength of a wish and how long it stands from now on. */
export interface PatchedWishChangeBodyRequest {
  /** @default "always" */
  lasts?: LastsEnum;
  /**
   * * `less` - less
   * * `much_less` - much_less
   * * `never` - never
   */
  strength?: WishChangeBodyStrengthEnum;
}

/** The caller's patterns in full; beside `patterns` the same and more under its older names. */
export interface PatternsAnswer {
  last_30_days: number;
  /** the 50 turned down most often */
  identified: IdentifiedPattern[];
  /** The dislikes of this person. */
  patterns: UserPatterns;
  reason_distribution: Record<string, number>;
  /**
   * * `rising` - rising
   * * `falling` - falling
   * * `steady` - steady
   */
  recent_trend: RecentTrendEnum;
  success: boolean;
  top_genres: NameCount[];
  top_people: NameCount[];
  total_dislikes: number;
}

/** Interactions of many people. Used to describe. */
export interface PeoplesBodyRequest {
  /** creates the people that are not known yet */
  create_users?: boolean;
  /** @maxItems 1000 */
  interactions: PersonsInteractionRequest[];
}

/** A person as the app that keeps them sees them. */
export interface Person {
  external_id: string;
  is_active: boolean;
  roles: string[];
  /** our own number, which an app need not know */
  user_id: number;
}

/** The person as they are stored now. */
export interface PersonAnswer {
  created: boolean;
  success: boolean;
  /** A person as the app that keeps them sees them. */
  user: Person;
}

/** The fields of a person that an app may set; those left out stay as they are. */
export interface PersonBodyRequest {
  /** false: nobody may act for them any more */
  is_active?: boolean;
  /** @maxItems 2 */
  roles?: RolesEnum[];
}

/** The influence of the person's taste profile on the list. */
export interface Personalization {
  alpha_adjusted: boolean;
  applied: boolean;
  /** @format double */
  original_alpha: number;
  persona: string[];
  /** the first of them */
  persona_name: string | null;
  /** @format double */
  personalized_alpha: number;
  /** their names, best first */
  top_genre_names: string[];
  /** the score of each, best first: above 0, at most 1 */
  top_genres: Record<string, number>;
}

/** One interaction of one of many people. Used to describe: a bad row is reported by itself. */
export interface PersonsInteractionRequest {
  /**
   * the id that the app gives it
   * @minLength 1
   * @maxLength 200
   */
  external_id?: string;
  /**
   * the item by id; or
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  item_id?: number;
  /**
   * its kind, and
   *
   * * `movie` - movie
   * * `drama` - drama
   * * `startup` - startup
   * * `movies` - movies
   * * `dramas` - dramas
   * * `startups` - startups
   */
  kind?: KindEnum;
  /** @format date-time */
  occurred_at?: string | null;
  /**
   * @format double
   * @min 0
   * @max 10
   */
  rating?: number | null;
  /** @format uuid */
  recommendation_session_id?: string | null;
  /**
   * * `view` - view
   * * `click` - click
   * * `like` - like
   * * `favorite` - favorite
   * * `apply` - apply
   * * `interest` - interest
   * * `watched` - watched
   * * `watchlist_add` - watchlist_add
   * * `watchlist_remove` - watchlist_remove
   * * `dislike` - dislike
   */
  type: TypeEnum;
  /**
   * the person by user name
   * @minLength 1
   * @maxLength 150
   */
  user: string;
}

/** The taste profile of a person. */
export interface ProfileAnswer {
  /** by facet kind, least liked first */
  avoided: Record<string, Score[]>;
  persona: string[];
  /** the first of them */
  persona_name: string | null;
  /** The share of a score that is left to the model: at first, and for this person. */
  personalization: Alpha;
  /** by facet kind, in the singular and as files call it (genre, genres), best liked first */
  preferences: Record<string, Score[]>;
  /** @format date-time */
  reset_at: string | null;
  /** The acts of the person since the last reset, without those they took back. */
  statistics: Statistics;
  /** the same by name, for each kind as files call it */
  top_preferences: Record<string, Record<string, number>>;
  user_id: number;
}

/** A rating of an item, named by its id or its title. */
export interface RateBodyRequest {
  /**
   * another name of title
   * @maxLength 300
   * @default ""
   */
  drama_title?: string;
  /**
   * @format int64
   * @min 1
   * @max 9223372036854776000
   */
  item_id?: number | null;
  /**
   * where a title names it
   *
   * * `movie` - movie
   * * `drama` - drama
   * * `startup` - startup
   * * `movies` - movies
   * * `dramas` - dramas
   * * `startups` - startups
   */
  kind?: KindEnum | NullEnum | null;
  /**
   * @format double
   * @min 0
   * @max 10
   */
  rating: number;
  /** @format uuid */
  recommendation_session_id?: string | null;
  /**
   * @maxLength 300
   * @default ""
   */
  title?: string;
}

/**
 * * `wrong_genre` - wrong_genre
 * * `poor_quality` - poor_quality
 * * `already_watched` - already_watched
 * * `not_interested` - not_interested
 * * `irrelevant` - irrelevant
 * * `other` - other
 */
export type ReasonEnum =
  | "wrong_genre"
  | "poor_quality"
  | "already_watched"
  | "not_interested"
  | "irrelevant"
  | "other";

/** The dislikes of the last 30 days. */
export interface RecentTrend {
  /** @format double */
  avg_predicted_score: number | null;
  total_dislikes: number;
}

/**
 * * `rising` - rising
 * * `falling` - falling
 * * `steady` - steady
 */
export type RecentTrendEnum = "rising" | "falling" | "steady";

/** The interaction on record now. The recommendation fields are the server's own. */
export interface Recorded {
  /** false where it was on record before */
  created: boolean;
  interaction_id: number;
  /** the same as `type` */
  interaction_type: string;
  item_id: number;
  /** @format date-time */
  occurred_at: string;
  /** @format double */
  rating: number | null;
  recommendation_method: string;
  recommendation_rank: number | null;
  /** @format double */
  recommendation_score: number | null;
  /** @format uuid */
  recommendation_session_id: string | null;
  recommendation_source: string;
  type: string;
}

/** The progress of the examples towards asking for a model, of the use case that is nearest to it. */
export interface RetrainingState {
  due: boolean;
  threshold: number;
  untrained: number;
  use_case: string;
}

/** A role that may be chosen, and the use cases whose lists it opens. */
export interface Role {
  name: string;
  /** in the words of the person who holds it */
  title: string;
  use_cases: string[];
}

/** The caller's roles, and those there are. */
export interface RolesAnswer {
  available: Role[];
  roles: string[];
}

/** All the roles that the caller is to have. */
export interface RolesBodyRequest {
  /** @maxItems 2 */
  roles: RolesEnum[];
}

/**
 * * `developer` - developer
 * * `investor` - investor
 */
export type RolesEnum = "developer" | "investor";

/** A row of a batch that was not taken, and the cause. */
export interface RowError {
  error: string;
  /** its place in the request, from 0 */
  row: number;
}

/** The words in which a person says what they want less of. */
export interface SaidBodyRequest {
  /**
   * such as `no war films this week`
   * @minLength 1
   * @maxLength 200
   */
  text: string;
}

/**
 * * `always` - always
 * * `title` - title
 * * `tonight` - tonight
 * * `day` - day
 * * `week` - week
 * * `month` - month
 * * `never` - never
 */
export type ScopeEnum =
  | "always"
  | "title"
  | "tonight"
  | "day"
  | "week"
  | "month"
  | "never";

/** The attitude of a person to a facet: above 0 they like it. */
export interface Score {
  name: string;
  /**
   * @format double
   * @min -1
   * @max 1
   */
  score: number;
}

/** The hits, best first. The session is null where there are none. */
export interface SearchAnswer {
  /** The analysis of a query. `text` names nothing; `is_title`: it is the whole title of an item. */
  analysis: Analysis;
  /** The influence of the person's taste profile on the list. */
  personalization: Personalization;
  query: string;
  /** @format uuid */
  recommendation_session_id: string | null;
  recommendations: Found[];
  use_case: string;
}

/** The deepest rank on record. */
export interface SeenAnswer {
  seen_rank: number;
  success: boolean;
}

/** The deepest rank that a person saw. */
export interface SeenRequest {
  /**
   * @min 1
   * @max 500
   */
  rank: number;
}

/** That a list is on record. */
export interface SessionAnswer {
  /** @format uuid */
  recommendation_session_id: string;
  success: boolean;
}

/** Items like a given one, nearest first. */
export interface SimilarAnswer {
  similar: SimilarItem[];
}

/** An item with how near it is, 0 to 1. */
export interface SimilarItem {
  /** An item as the API shows it. Used to describe; `item_json` makes the same form faster. */
  item: Item;
  rank: number;
  /** @format double */
  score: number;
}

/** One position of a list. */
export interface Slot {
  /** @format double */
  base_score: number;
  /** The factors of a base score: boosts by taste, the penalty by dislikes, and what the person has seen. */
  boost_details: Boost;
  /** @format double */
  boost_multiplier: number;
  /** by name, where `include` asks for them; null for what is not known */
  features?: Record<string, number | null>;
  /** An item as the API shows it. Used to describe; `item_json` makes the same form faster. */
  item: Item;
  method: string;
  /** @format double */
  personalized_score: number;
  rank: number;
  /** @format double */
  score: number;
  why: string;
}

/**
 * * `newest` - newest
 * * `oldest` - oldest
 */
export type SortEnum = "newest" | "oldest";

/** The acts of the person since the last reset, without those they took back. */
export interface Statistics {
  interactions: Record<string, number>;
  /** @format double */
  mean_rating: number | null;
  ratings: number;
  /** @format date-time */
  since: string | null;
}

/** A list for two, recorded as one of the caller's. */
export interface TogetherAnswer {
  drama_ids?: number[];
  method_used: string;
  model_version: string;
  movie_ids?: number[];
  /** The influence of the person's taste profile on the list. */
  personalization: Personalization;
  /** @format uuid */
  recommendation_session_id: string;
  recommendations: Slot[];
  /** by the id of the item */
  scores: Record<string, number>;
  startup_ids?: number[];
  /** the other's user name, or that of their profile */
  together_with: string;
  use_case: string;
}

/** The body of a request for a list for two. */
export interface TogetherBodyRequest {
  exclude?: string | object;
  filter?: string | object;
  /**
   * what `POST /api/recommendations/together` gave the other person
   * @minLength 1
   * @maxLength 200
   */
  invitation: string;
  /**
   * @min 1
   * @max 100
   * @default 20
   */
  limit?: number;
  /**
   * * `movie_home` - movie_home
   * * `drama_home` - drama_home
   * * `developer_startup` - developer_startup
   * * `investor_startup` - investor_startup
   */
  use_case?: UseCaseEnum;
}

/** The examples that models will learn from it. */
export interface TrainingImpact {
  /** @format double */
  error_recorded: number | null;
  /** @format double */
  weight: number;
}

/**
 * * `view` - view
 * * `click` - click
 * * `like` - like
 * * `favorite` - favorite
 * * `apply` - apply
 * * `interest` - interest
 * * `watched` - watched
 * * `watchlist_add` - watchlist_add
 * * `watchlist_remove` - watchlist_remove
 * * `dislike` - dislike
 */
export type TypeEnum =
  | "view"
  | "click"
  | "like"
  | "favorite"
  | "apply"
  | "interest"
  | "watched"
  | "watchlist_add"
  | "watchlist_remove"
  | "dislike";

/** One wish as it was understood. */
export interface UnderstoodWish {
  /** the facets, as in `genre:War` */
  about: string[];
  name: string;
  /**
   * how long it would stand
   *
   * * `always` - always
   * * `title` - title
   * * `tonight` - tonight
   * * `day` - day
   * * `week` - week
   * * `month` - month
   * * `never` - never
   */
  scope: ScopeEnum;
  /** as of a wish: less, much_less or never */
  strength: string;
}

/** The outcome of many items: those that were taken, and the rows that were not. */
export interface UpsertAnswer {
  created: number;
  errors: RowError[];
  success: boolean;
  unchanged: number;
  updated: number;
}

/** Many items. Used to describe. */
export interface UpsertBodyRequest {
  /** @maxItems 1000 */
  items: ItemUpsertRequest[];
}

/**
 * * `movie_home` - movie_home
 * * `drama_home` - drama_home
 * * `developer_startup` - developer_startup
 * * `investor_startup` - investor_startup
 */
export type UseCaseEnum =
  | "movie_home"
  | "drama_home"
  | "developer_startup"
  | "investor_startup";

/** The dislikes of this person. */
export interface UserPatterns {
  reason_distribution: Record<string, number>;
  /** The dislikes of the last 30 days. */
  recent_trend: RecentTrend;
  total_dislikes: number;
  /** rising, falling or steady: the last 30 days against the 30 days before */
  trend: string;
}

/** The clearest entries of the taste vector, and when it moves again. */
export interface VectorAnswer {
  feedback_count: number;
  /** @min 1 */
  next_update_in: number;
  user_id: number;
  vector: VectorEntry[];
}

/** An entry of the taste vector: 0.5 is neutral. */
export interface VectorEntry {
  kind: string;
  name: string;
  /**
   * @format double
   * @min 0
   * @max 1
   */
  value: number;
}

/** One wish as it stands now. */
export interface WishAnswer {
  success: boolean;
  /** A rule that stands for the caller's lists. */
  wish: WishJson;
}

/**
 * * `less` - less
 * * `much_less` - much_less
 * * `never` - never
 */
export type WishChangeBodyStrengthEnum = "less" | "much_less" | "never";

/** A rule that stands for the caller's lists. */
export interface WishJson {
  /** the facet, as in `genre:Crime` */
  about: string | null;
  /** @format date-time */
  created_at: string;
  /** the dislike that it came with */
  dislike_id: number | null;
  /** @format date-time */
  ends_at: string | null;
  /** the item that is left out or let through */
  item_id: number | null;
  /** what it does, in a sentence */
  says: string;
  /**
   * * `less` - less
   * * `much_less` - much_less
   * * `never` - never
   * * `allow` - allow
   */
  strength: WishJsonStrengthEnum;
  title: string | null;
  wish_id: number;
  /** as the person said it */
  words: string;
}

/**
 * * `less` - less
 * * `much_less` - much_less
 * * `never` - never
 * * `allow` - allow
 */
export type WishJsonStrengthEnum = "less" | "much_less" | "never" | "allow";

/** The caller's wishes that stand, newest first. */
export interface WishesAnswer {
  success: boolean;
  wishes: WishJson[];
}

/** Years from the first to the last, both included; null is open. */
export interface Years {
  first: number | null;
  last: number | null;
}
