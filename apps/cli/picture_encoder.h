// The image encoder of a model, for what tells pictures by their looks.
#pragma once

#include <string>

#include "data/pipeline/reduce/picture_encoder.h"
#include "data/pipeline/run/recipe.h"

namespace moonbeam::cli {

/// `model` as -m takes it: a file, a folder or a name. @throws Error as Model::load.
pipeline::PictureEncoder picture_encoder(const std::string& model);

/// Looks at the head of the model that the recipe's [S13] names, if it names one, so that a slip does not
/// show after a night of calls. @throws Error as inspect_model, kInvalidArgument (keys of [S13] to [S15]).
void check_picture_model(pipeline::RunRecipe recipe);

}  // namespace moonbeam::cli
