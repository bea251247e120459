// What moves on the pages of the site.

import { openAnswers } from "./answers.js";
import { openLabs } from "./labs.js";

openAnswers();
openLabs();
