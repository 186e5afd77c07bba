# Finds the LibTorch that a wheel of torch brings, by path alone, for the trainer.
#
#   MOONBEAM_TORCH       folder of the package (it holds lib/ and include/), or its share/cmake; empty: the
#                        torch of python3, or of Python3_EXECUTABLE where that is set
#   components           CUDA: also the pair of libraries for GPUs
#
# Gives LibTorch::LibTorch, LibTorch_VERSION, LibTorch_PREFIX. The package's own TorchConfig.cmake is not
# used: it sets flags for the whole project and searches the system for libraries that the wheel does not
# need. A library that is not under the prefix is refused, because mixing two copies of torch compiles, links
# and then fails at run time.

set(MOONBEAM_TORCH "" CACHE PATH "Folder of the torch package that has lib/ and include/; empty: that of python3")

function(_libtorch_prefix out reason)
  set(prefix "${MOONBEAM_TORCH}")
  if(NOT prefix)
    if(Python3_EXECUTABLE)
      set(python "${Python3_EXECUTABLE}")
    else()
      set(python python3)
    endif()
    execute_process(COMMAND "${python}" -c "import torch; print(torch.utils.cmake_prefix_path)"
                    OUTPUT_VARIABLE prefix ERROR_VARIABLE error RESULT_VARIABLE result
                    OUTPUT_STRIP_TRAILING_WHITESPACE ERROR_STRIP_TRAILING_WHITESPACE)
    if(NOT result EQUAL 0)
      set(${out} "" PARENT_SCOPE)
      set(${reason} "${python} has no torch: pip install torch, or -DMOONBEAM_TORCH=FOLDER" PARENT_SCOPE)
      return()
    endif()
  endif()
  string(REGEX REPLACE "/share/cmake/?$" "" prefix "${prefix}")
  file(REAL_PATH "${prefix}" prefix EXPAND_TILDE)
  set(${out} "${prefix}" PARENT_SCOPE)
endfunction()

# Full path of lib/libNAME.so; fails where it lies, or leads, outside the prefix.
function(_libtorch_library name out)
  set(path "${LibTorch_PREFIX}/lib/${CMAKE_SHARED_LIBRARY_PREFIX}${name}${CMAKE_SHARED_LIBRARY_SUFFIX}")
  if(NOT EXISTS "${path}")
    set(${out} "" PARENT_SCOPE)
    return()
  endif()
  file(REAL_PATH "${path}" real)
  cmake_path(IS_PREFIX LibTorch_PREFIX "${real}" inside)
  if(NOT inside)
    message(FATAL_ERROR "LibTorch: ${path} leads to ${real}, which is not under ${LibTorch_PREFIX}: "
                        "two copies of torch would be mixed")
  endif()
  set(${out} "${path}" PARENT_SCOPE)
endfunction()

_libtorch_prefix(LibTorch_PREFIX _libtorch_reason)
set(LibTorch_VERSION)
if(LibTorch_PREFIX)
  set(_libtorch_version_file "${LibTorch_PREFIX}/share/cmake/Torch/TorchConfigVersion.cmake")
  if(EXISTS "${_libtorch_version_file}")
    file(STRINGS "${_libtorch_version_file}" _libtorch_line REGEX "^set\\(PACKAGE_VERSION ")
    string(REGEX REPLACE ".*\"([0-9]+\\.[0-9]+\\.[0-9]+).*" "\\1" LibTorch_VERSION "${_libtorch_line}")
  else()
    set(_libtorch_reason "${LibTorch_PREFIX} has no share/cmake/Torch: it is no folder of a torch package")
  endif()
  _libtorch_library(torch_cpu LibTorch_CPU_LIBRARY)
  _libtorch_library(c10 LibTorch_C10_LIBRARY)
  if(EXISTS "${LibTorch_PREFIX}/include/torch/csrc/api/include/torch/torch.h")
    set(LibTorch_INCLUDE_DIRS "${LibTorch_PREFIX}/include" "${LibTorch_PREFIX}/include/torch/csrc/api/include")
  endif()
endif()

# Wheels before 2.7 came with the old std::string in some builds; nothing of ours would link with them.
if(LibTorch_C10_LIBRARY)
  file(STRINGS "${LibTorch_C10_LIBRARY}" _libtorch_new_strings REGEX "^_ZN3c10.*NSt7__cxx1112basic_string" LIMIT_COUNT 1)
  if(NOT _libtorch_new_strings)
    set(LibTorch_C10_LIBRARY)
    set(_libtorch_reason "${LibTorch_PREFIX} was built with the old C++ ABI (_GLIBCXX_USE_CXX11_ABI=0)")
  endif()
endif()

if("CUDA" IN_LIST LibTorch_FIND_COMPONENTS AND LibTorch_PREFIX)
  _libtorch_library(torch_cuda LibTorch_CUDA_LIBRARY)
  _libtorch_library(c10_cuda LibTorch_C10_CUDA_LIBRARY)
  if(LibTorch_CUDA_LIBRARY AND LibTorch_C10_CUDA_LIBRARY)
    set(LibTorch_CUDA_FOUND TRUE)
  else()
    set(_libtorch_reason "${LibTorch_PREFIX} is a build for CPUs: it has no libtorch_cuda")
  endif()
endif()

include(FindPackageHandleStandardArgs)
find_package_handle_standard_args(LibTorch
  REQUIRED_VARS LibTorch_CPU_LIBRARY LibTorch_C10_LIBRARY LibTorch_INCLUDE_DIRS
  VERSION_VAR LibTorch_VERSION
  HANDLE_COMPONENTS
  REASON_FAILURE_MESSAGE "${_libtorch_reason}")

if(LibTorch_FOUND AND NOT TARGET LibTorch::LibTorch)
  add_library(LibTorch::c10 SHARED IMPORTED)
  set_target_properties(LibTorch::c10 PROPERTIES IMPORTED_LOCATION "${LibTorch_C10_LIBRARY}")
  add_library(LibTorch::cpu SHARED IMPORTED)
  set_target_properties(LibTorch::cpu PROPERTIES IMPORTED_LOCATION "${LibTorch_CPU_LIBRARY}")
  add_library(LibTorch::LibTorch INTERFACE IMPORTED)
  # Imported: the compiler treats them as system headers.
  set_target_properties(LibTorch::LibTorch PROPERTIES INTERFACE_INCLUDE_DIRECTORIES "${LibTorch_INCLUDE_DIRS}")
  set(_libtorch_libraries LibTorch::cpu LibTorch::c10)
  if(LibTorch_CUDA_FOUND)
    foreach(_libtorch_part IN ITEMS CUDA C10_CUDA)
      add_library(LibTorch::${_libtorch_part} SHARED IMPORTED)
      set_target_properties(LibTorch::${_libtorch_part} PROPERTIES
                            IMPORTED_LOCATION "${LibTorch_${_libtorch_part}_LIBRARY}")
    endforeach()
    # Nobody calls into libtorch_cuda by name: it has to be kept for what it registers when it is loaded.
    list(APPEND _libtorch_libraries -Wl,--no-as-needed LibTorch::CUDA LibTorch::C10_CUDA -Wl,--as-needed)
  endif()
  set_target_properties(LibTorch::LibTorch PROPERTIES INTERFACE_LINK_LIBRARIES "${_libtorch_libraries}")
endif()
