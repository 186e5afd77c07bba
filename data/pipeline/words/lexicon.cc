#include "data/pipeline/words/lexicon.h"
