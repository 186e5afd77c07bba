# Cross-building for 64-bit ARM on Debian: g++-aarch64-linux-gnu, the libraries as packages of architecture
# arm64, qemu-user to run the tests. `make aarch64` does all of it.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_LIBRARY_ARCHITECTURE aarch64-linux-gnu)
# Debian keeps both architectures below one root: only pkg-config has to be told where to look.
set(ENV{PKG_CONFIG_LIBDIR} /usr/lib/aarch64-linux-gnu/pkgconfig:/usr/share/pkgconfig)
# Which processor is run: max has everything, cortex-a53 nothing but ARMv8.0, neoverse-n1 the dot product.
set(MOONBEAM_QEMU_CPU max CACHE STRING "Processor that qemu-aarch64 pretends to be")
set(CMAKE_CROSSCOMPILING_EMULATOR
    "/usr/bin/env;QEMU_CPU=${MOONBEAM_QEMU_CPU};qemu-aarch64;-L;/usr/aarch64-linux-gnu")
