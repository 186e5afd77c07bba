# cmake -DMODULES=FOLDER -DTORCH=PREFIX -DWORK=FOLDER -P find_libtorch_test.cmake: what FindLibTorch takes and
# what it refuses, each in a project of its own.
file(REMOVE_RECURSE "${WORK}")
file(WRITE "${WORK}/project/CMakeLists.txt" "
cmake_minimum_required(VERSION 3.25)
project(find LANGUAGES NONE)
set(CMAKE_SHARED_LIBRARY_PREFIX lib)
set(CMAKE_SHARED_LIBRARY_SUFFIX .so)
set_property(GLOBAL PROPERTY TARGET_SUPPORTS_SHARED_LIBS TRUE)
list(APPEND CMAKE_MODULE_PATH \"${MODULES}\")
find_package(LibTorch \${WANT} REQUIRED \${COMPONENTS})
message(STATUS \"found \${LibTorch_VERSION} in \${LibTorch_PREFIX}\")
")

function(expect name pattern)
  execute_process(COMMAND "${CMAKE_COMMAND}" -S "${WORK}/project" -B "${WORK}/${name}" ${ARGN}
                  OUTPUT_VARIABLE output ERROR_VARIABLE output)
  string(REGEX REPLACE "[ \n]+" " " output "${output}")
  if(NOT output MATCHES "${pattern}")
    message(SEND_ERROR "${name}: expected '${pattern}', got: ${output}")
  endif()
endfunction()

expect(by_prefix "found [0-9.]+ in ${TORCH}" -DWANT=2.6 "-DMOONBEAM_TORCH=${TORCH}")
expect(by_cmake_prefix_path "found [0-9.]+ in ${TORCH}" -DWANT=2.6 "-DMOONBEAM_TORCH=${TORCH}/share/cmake")
expect(too_old "unsuitable version" -DWANT=99.0 "-DMOONBEAM_TORCH=${TORCH}")
expect(no_python "has no torch: pip install torch" -DWANT=2.6 -DPython3_EXECUTABLE=/no/python)
expect(no_torch "is no folder of a torch package" -DWANT=2.6 "-DMOONBEAM_TORCH=${WORK}/project")
if(NOT EXISTS "${TORCH}/lib/libtorch_cuda.so")
  expect(no_cuda "is a build for CPUs" -DWANT=2.6 "-DMOONBEAM_TORCH=${TORCH}" "-DCOMPONENTS=COMPONENTS\;CUDA")
endif()

# A folder that looks right and whose library is another installation's.
file(MAKE_DIRECTORY "${WORK}/mixed/lib")
foreach(part IN ITEMS lib/libtorch_cpu.so lib/libc10.so share include)
  file(CREATE_LINK "${TORCH}/${part}" "${WORK}/mixed/${part}" SYMBOLIC)
endforeach()
expect(mixed "leads to .*not under .*mixed" -DWANT=2.6 "-DMOONBEAM_TORCH=${WORK}/mixed")

# Old strings in the library's symbols.
file(MAKE_DIRECTORY "${WORK}/old/lib")
foreach(part IN ITEMS share include)
  file(CREATE_LINK "${TORCH}/${part}" "${WORK}/old/${part}" SYMBOLIC)
endforeach()
file(WRITE "${WORK}/old/lib/libtorch_cpu.so" "_ZN3c105ErrorC2ESsSs")
file(WRITE "${WORK}/old/lib/libc10.so" "_ZN3c105ErrorC2ESsSs")
expect(old "old C\\+\\+ ABI" -DWANT=2.6 "-DMOONBEAM_TORCH=${WORK}/old")
