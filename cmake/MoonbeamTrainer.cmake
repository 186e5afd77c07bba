# What the trainer's folders are built with: one library a folder, its tests labelled `train`, and one
# precompiled header of LibTorch for all of them, since reading it costs half a minute a file.

add_library(moonbeam_train_pch STATIC ${PROJECT_SOURCE_DIR}/train/precompiled.cc)
target_link_libraries(moonbeam_train_pch PRIVATE moonbeam_flags LibTorch::LibTorch)
target_precompile_headers(moonbeam_train_pch PRIVATE <torch/torch.h>)

# Everything of the trainer, its tests among it, and what it needs of the engine.
add_custom_target(trainer)

function(_moonbeam_train_target target)
  add_dependencies(trainer ${target})
  target_include_directories(${target} PRIVATE ${PROJECT_SOURCE_DIR} ${PROJECT_SOURCE_DIR}/src)
  target_link_libraries(${target} PRIVATE moonbeam_flags LibTorch::LibTorch)
  target_precompile_headers(${target} REUSE_FROM moonbeam_train_pch)
endfunction()

# moonbeam_train_module(NAME SOURCES ... LINKS ... [TESTS ...] [TEST_LINKS ...] [EXTERNAL ...])
#
# LINKS names modules: of the engine, or of the trainer as train_NAME. TEST_LINKS are the tests' alone.
function(moonbeam_train_module name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS;TESTS;TEST_LINKS;EXTERNAL" ${ARGN})
  set(target moonbeam_train_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(moonbeam::train_${name} ALIAS ${target})
  _moonbeam_train_target(${target})
  foreach(link IN LISTS ARG_LINKS)
    target_link_libraries(${target} PUBLIC moonbeam::${link})
  endforeach()
  target_link_libraries(${target} PUBLIC ${ARG_EXTERNAL})
  if(ARG_TESTS)
    moonbeam_train_test(${name} SOURCES ${ARG_TESTS} LINKS train_${name} ${ARG_TEST_LINKS})
  endif()
endfunction()

# moonbeam_train_test(NAME SOURCES ... LINKS ...): the program train_NAME_test. One process for all its tests:
# loading LibTorch takes longer than most of them.
function(moonbeam_train_test name)
  cmake_parse_arguments(ARG "" "" "SOURCES;LINKS" ${ARGN})
  if(MOONBEAM_BUILD_TESTS)
    moonbeam_test(train_${name}_test SOURCES ${ARG_SOURCES} LINKS ${ARG_LINKS} LABEL train ONE_PROCESS)
    _moonbeam_train_target(train_${name}_test)
    # Small models: two threads mostly wait for each other, the more so on a busy machine.
    set_tests_properties(train_${name}_test PROPERTIES ENVIRONMENT OMP_NUM_THREADS=1)
  endif()
endfunction()

# moonbeam_train_program(TARGET): an executable of the trainer. LibTorch is found again where it was at build
# time, also after `make install`.
function(moonbeam_train_program target)
  _moonbeam_train_target(${target})
  set_target_properties(${target} PROPERTIES INSTALL_RPATH_USE_LINK_PATH ON)
endfunction()
