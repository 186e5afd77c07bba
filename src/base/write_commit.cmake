# Runs at every build: writes the commit of SOURCE_DIR to OUTPUT as a C string, and only when it has changed, so
# that nothing is compiled again until HEAD moves. "unknown" outside a checkout; a checkout around ours (we are
# a folder of somebody's project) does not count.
set(commit unknown)
if(GIT_EXECUTABLE AND EXISTS "${SOURCE_DIR}/.git")
  execute_process(COMMAND "${GIT_EXECUTABLE}" rev-parse --verify HEAD WORKING_DIRECTORY "${SOURCE_DIR}"
    OUTPUT_VARIABLE head OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_QUIET RESULT_VARIABLE status)
  if(status EQUAL 0 AND head MATCHES "^[0-9a-f]+$")
    set(commit ${head})
  endif()
endif()
set(before "")
if(EXISTS "${OUTPUT}")
  file(READ "${OUTPUT}" before)
endif()
if(NOT before STREQUAL "\"${commit}\"\n")
  file(WRITE "${OUTPUT}" "\"${commit}\"\n")
endif()
