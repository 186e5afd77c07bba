# `cmake --install`: libraries, headers, CMake package, pkg-config file, models and licences.
# The program with its manual page and completions is installed by apps/cli. Included last.
include(CMakePackageConfigHelpers)

# What an embedder links: every folder behind one name.
add_library(moonbeam_all INTERFACE)
add_library(moonbeam::moonbeam ALIAS moonbeam_all)
set_target_properties(moonbeam_all PROPERTIES EXPORT_NAME moonbeam)
target_link_libraries(moonbeam_all INTERFACE moonbeam::tasks)
target_compile_features(moonbeam_all INTERFACE cxx_std_20)

get_property(modules GLOBAL PROPERTY MOONBEAM_MODULES)
install(TARGETS ${modules} moonbeam_all EXPORT moonbeam ARCHIVE DESTINATION ${CMAKE_INSTALL_LIBDIR})
install(DIRECTORY include/moonbeam DESTINATION ${CMAKE_INSTALL_INCLUDEDIR} FILES_MATCHING PATTERN "*.h")

set(package_dir ${CMAKE_INSTALL_LIBDIR}/cmake/moonbeam)
install(EXPORT moonbeam NAMESPACE moonbeam:: FILE moonbeamTargets.cmake DESTINATION ${package_dir})
configure_package_config_file(cmake/moonbeamConfig.cmake.in ${PROJECT_BINARY_DIR}/moonbeamConfig.cmake
  INSTALL_DESTINATION ${package_dir} NO_SET_AND_CHECK_MACRO NO_CHECK_REQUIRED_COMPONENTS_MACRO)
# Before 1.0 a minor version may change the interface (SECURITY.md and docs/library.md say what holds).
write_basic_package_version_file(${PROJECT_BINARY_DIR}/moonbeamConfigVersion.cmake COMPATIBILITY SameMinorVersion)
install(FILES ${PROJECT_BINARY_DIR}/moonbeamConfig.cmake ${PROJECT_BINARY_DIR}/moonbeamConfigVersion.cmake
  DESTINATION ${package_dir})

# Static libraries in the order a linker needs them: who uses before who is used.
set(MOONBEAM_PC_LIBS "")
foreach(module IN LISTS modules)
  set(MOONBEAM_PC_LIBS "-l${module} ${MOONBEAM_PC_LIBS}")
endforeach()
file(RELATIVE_PATH MOONBEAM_PC_UP /${CMAKE_INSTALL_LIBDIR}/pkgconfig /)
string(REGEX REPLACE "/$" "" MOONBEAM_PC_UP ${MOONBEAM_PC_UP})
configure_file(cmake/moonbeam.pc.in ${PROJECT_BINARY_DIR}/moonbeam.pc @ONLY)
install(FILES ${PROJECT_BINARY_DIR}/moonbeam.pc DESTINATION ${CMAKE_INSTALL_LIBDIR}/pkgconfig)

install(DIRECTORY models/ DESTINATION ${CMAKE_INSTALL_DATADIR}/moonbeam/models)
install(FILES LICENSE NOTICE README.md CHANGELOG.md DESTINATION ${CMAKE_INSTALL_DOCDIR})
