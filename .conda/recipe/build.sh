#!/usr/bin/env bash
# SPDX-License-Identifier: GPL-3.0-or-later
set -euo pipefail
# shellcheck disable=SC2086 # conda-build gives several words
cmake -S . -B build -G Ninja ${CMAKE_ARGS:-} -DCMAKE_BUILD_TYPE=Release -DCMAKE_INSTALL_PREFIX="$PREFIX" \
    -DCMAKE_PREFIX_PATH="$PREFIX" -DCMAKE_INSTALL_LIBDIR=lib -DGR_PYTHON_DIR="$SP_DIR" \
    -DPYTHON_EXECUTABLE="$PYTHON" -DENABLE_TESTING=OFF
cmake --build build --parallel "${CPU_COUNT:-2}"
cmake --install build
