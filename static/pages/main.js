// Scripts of every page beyond its forms. Every page works without it.

import "./account.js";
import "./actions.js";
import "./seen.js";
import "./theme.js";
