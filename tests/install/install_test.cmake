# cmake -D WAY=cmake|pkgconfig ... -P install_test.cmake: installs, moves the tree, builds a consumer, runs it.

# run(WHAT COMMAND...): fails the test with the command's output; leaves it in `output`.
function(run what)
  execute_process(COMMAND ${ARGN} RESULT_VARIABLE status OUTPUT_VARIABLE output ERROR_VARIABLE output)
  if(NOT status EQUAL 0)
    message(FATAL_ERROR "${what}: ${status}\n${output}")
  endif()
  set(output "${output}" PARENT_SCOPE)
endfunction()

file(REMOVE_RECURSE ${WORK})
run("install" ${CMAKE_COMMAND} --install ${BUILD} --prefix ${WORK}/first)
# Nothing in it may remember where it was installed.
file(RENAME ${WORK}/first ${WORK}/prefix)

foreach(file IN ITEMS include/moonbeam/moonbeam.h bin/moonbeam share/man/man1/moonbeam.1
                      share/bash-completion/completions/moonbeam share/moonbeam/models/tiny/README.md
                      share/doc/moonbeam/LICENSE share/doc/moonbeam/NOTICE)
  if(NOT EXISTS ${WORK}/prefix/${file})
    message(FATAL_ERROR "not installed: ${file}")
  endif()
endforeach()

set(consumer ${SOURCE}/tests/install/consumer)
if(WAY STREQUAL cmake)
  run("configure" ${CMAKE_COMMAND} -S ${consumer} -B ${WORK}/build -G Ninja -D CMAKE_BUILD_TYPE=Release
    -D CMAKE_PREFIX_PATH=${WORK}/prefix -D CMAKE_CXX_COMPILER=${CXX})
  run("build" ${CMAKE_COMMAND} --build ${WORK}/build)
else()
  set(ENV{PKG_CONFIG_PATH} ${WORK}/prefix/${LIBDIR}/pkgconfig)
  run("pkg-config" pkg-config --cflags --libs moonbeam)
  separate_arguments(flags UNIX_COMMAND "${output}")
  file(MAKE_DIRECTORY ${WORK}/build)
  run("compile" ${CXX} -std=c++20 -O2 ${consumer}/consumer.cc -o ${WORK}/build/consumer ${flags})
endif()

set(picture ${SOURCE}/tests/data/starter/samples/s1.png)
run("consumer" ${WORK}/build/consumer ${SOURCE}/tests/data/starter ${picture})
set(expected "Two apples and a dog on the right.\n")
if(NOT output STREQUAL expected)
  message(FATAL_ERROR "consumer: expected '${expected}', got '${output}'")
endif()

# The installed program finds the models that were installed beside it, wherever the tree went.
if(EXISTS ${WORK}/prefix/share/moonbeam/models/tiny/tiny-bf16.gguf)
  unset(ENV{MOONBEAM_MODELS})
  set(expected "2 apples and a dog in the middle.\n")
  run("program" ${CMAKE_COMMAND} -E chdir ${WORK} prefix/bin/moonbeam caption --quiet ${picture})
  if(NOT output STREQUAL expected)
    message(FATAL_ERROR "program: expected '${expected}', got '${output}'")
  endif()
endif()
