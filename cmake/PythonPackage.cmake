# SPDX-License-Identifier: GPL-3.0-or-later
# vqdeepsc_python_package(TARGET BUILD_DIR INSTALL_DIR)
#
# Copies the Python files of the current folder into BUILD_DIR when they change (target TARGET), and
# installs them into INSTALL_DIR. Tests beside them (qa_*.py) stay where they are.
function(vqdeepsc_python_package TARGET BUILD_DIR INSTALL_DIR)
    file(GLOB_RECURSE sources RELATIVE "${CMAKE_CURRENT_SOURCE_DIR}" CONFIGURE_DEPENDS *.py *.pyi py.typed *.html)
    list(FILTER sources EXCLUDE REGEX "^qa_")
    set(copies)
    foreach(source ${sources})
        add_custom_command(
            OUTPUT "${BUILD_DIR}/${source}"
            COMMAND ${CMAKE_COMMAND} -E copy "${CMAKE_CURRENT_SOURCE_DIR}/${source}" "${BUILD_DIR}/${source}"
            DEPENDS "${source}")
        list(APPEND copies "${BUILD_DIR}/${source}")
        get_filename_component(folder "${source}" DIRECTORY)
        install(FILES "${source}" DESTINATION "${INSTALL_DIR}/${folder}")
    endforeach()
    add_custom_target(${TARGET} ALL DEPENDS ${copies})
endfunction()
