// What moves on the pages of the site.

import { openLabs } from "./labs.js";

openLabs();
