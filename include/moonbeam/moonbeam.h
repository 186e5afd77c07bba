// Everything of the public interface.
#pragma once

#include <moonbeam/bench.h>
#include <moonbeam/cache.h>
#include <moonbeam/draw.h>
#include <moonbeam/error.h>
#include <moonbeam/image.h>
#include <moonbeam/machine.h>
#include <moonbeam/model.h>
#include <moonbeam/scheduler.h>
#include <moonbeam/schema.h>
#include <moonbeam/types.h>
#include <moonbeam/version.h>
#include <moonbeam/weights.h>
