# Cross-compiles for 64-bit ARM on Debian and Ubuntu (package g++-aarch64-linux-gnu): for `npm run test:arm` and, as
# CMAKE_TOOLCHAIN_FILE, for `npm run prebuild -- --arch arm64`.
set(CMAKE_SYSTEM_NAME Linux)
set(CMAKE_SYSTEM_PROCESSOR aarch64)
set(CMAKE_CXX_COMPILER aarch64-linux-gnu-g++)
set(CMAKE_FIND_ROOT_PATH_MODE_PROGRAM NEVER)
set(CMAKE_FIND_ROOT_PATH_MODE_LIBRARY ONLY)
set(CMAKE_FIND_ROOT_PATH_MODE_INCLUDE ONLY)
