# SPDX-License-Identifier: GPL-3.0-or-later
include(CMakeFindDependencyMacro)
find_dependency(Gnuradio "3.10" COMPONENTS blocks fec)
include("${CMAKE_CURRENT_LIST_DIR}/gnuradio-vqdeepscTargets.cmake")
