# moonbeam_module(NAME SOURCES ... LINKS ... [TESTS ...] [EXTERNAL ...] [NOT_INSTALLED]): one library a folder.
#
# LINKS names other modules, EXTERNAL names targets of libraries outside the project. The tests stand
# beside the code, become one program NAME_test, and bear the label `unit`.

# Warnings, sanitizers and coverage for everything of ours; nothing global.
add_library(moonbeam_flags INTERFACE)
target_compile_features(moonbeam_flags INTERFACE cxx_std_20)
target_compile_options(moonbeam_flags INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor -Woverloaded-virtual
  # GCC 12 sees overlaps in std::string's operator+ that are not there (its bug 105651).
  $<$<CXX_COMPILER_ID:GNU>:-Wno-restrict>
  # Fused multiply-adds only where a kernel writes them: the same source gives the same bits everywhere.
  -ffp-contract=off)
if(MOONBEAM_SANITIZE)
  target_compile_options(moonbeam_flags INTERFACE -fsanitize=${MOONBEAM_SANITIZE} -fno-omit-frame-pointer
                         -fno-sanitize-recover=all)
  target_link_options(moonbeam_flags INTERFACE -fsanitize=${MOONBEAM_SANITIZE})
endif()
if(MOONBEAM_COVERAGE)
  target_compile_options(moonbeam_flags INTERFACE --coverage -fprofile-update=atomic)
  target_link_options(moonbeam_flags INTERFACE --coverage)
endif()

function(moonbeam_module name)
  cmake_parse_arguments(ARG "NOT_INSTALLED" "" "SOURCES;LINKS;TESTS;EXTERNAL" ${ARGN})
  set(target moonbeam_${name})
  add_library(${target} STATIC ${ARG_SOURCES})
  add_library(moonbeam::${name} ALIAS ${target})
  set_target_properties(${target} PROPERTIES EXPORT_NAME ${name} POSITION_INDEPENDENT_CODE ON)
  target_include_directories(${target} PUBLIC
    $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/include> $<BUILD_INTERFACE:${PROJECT_SOURCE_DIR}/src>
    $<INSTALL_INTERFACE:${CMAKE_INSTALL_INCLUDEDIR}>)
  target_link_libraries(${target} PRIVATE $<BUILD_INTERFACE:moonbeam_flags>)
  foreach(link IN LISTS ARG_LINKS)
    target_link_libraries(${target} PUBLIC moonbeam::${link})
  endforeach()
  target_link_libraries(${target} PRIVATE ${ARG_EXTERNAL})
  if(NOT ARG_NOT_INSTALLED)
    set_property(GLOBAL APPEND PROPERTY MOONBEAM_MODULES ${target})
  endif()
  if(MOONBEAM_BUILD_TESTS AND ARG_TESTS)
    moonbeam_test(${name}_test SOURCES ${ARG_TESTS} LINKS ${name} EXTERNAL ${ARG_EXTERNAL})
  endif()
endfunction()

# moonbeam_test(NAME SOURCES ... LINKS ... [LABEL unit] [EXTERNAL ...] [ONE_PROCESS]): a GoogleTest program.
# ONE_PROCESS runs it as a single test, for programs whose set-up takes minutes; with ISAS once for each of them.
function(moonbeam_test name)
  cmake_parse_arguments(ARG "ONE_PROCESS" "LABEL" "SOURCES;LINKS;EXTERNAL;ISAS" ${ARGN})
  if(NOT ARG_LABEL)
    set(ARG_LABEL unit)
  endif()
  add_executable(${name} ${ARG_SOURCES})
  target_link_libraries(${name} PRIVATE moonbeam_flags ${ARG_EXTERNAL} GTest::gtest_main)
  foreach(link IN LISTS ARG_LINKS)
    target_link_libraries(${name} PRIVATE moonbeam::${link})
  endforeach()
  target_compile_definitions(${name} PRIVATE MOONBEAM_SOURCE_DIR="${PROJECT_SOURCE_DIR}")
  if(ARG_ONE_PROCESS AND ARG_ISAS)
    foreach(isa IN LISTS ARG_ISAS)
      add_test(NAME ${name}.${isa} COMMAND ${name})
      set_tests_properties(${name}.${isa} PROPERTIES LABELS ${ARG_LABEL} ENVIRONMENT MOONBEAM_ISA=${isa})
    endforeach()
  elseif(ARG_ONE_PROCESS)
    add_test(NAME ${name} COMMAND ${name})
    set_tests_properties(${name} PROPERTIES LABELS ${ARG_LABEL})
  else()
    gtest_discover_tests(${name} PROPERTIES LABELS ${ARG_LABEL} DISCOVERY_MODE PRE_TEST DISCOVERY_TIMEOUT 120)
  endif()
endfunction()
