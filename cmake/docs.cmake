# SPDX-License-Identifier: GPL-2.0-or-later
# The man page and the completion are printed by the program from its own tables; what is installed.
set(docs_man ${CMAKE_BINARY_DIR}/docs/nvrig.1)
set(docs_bash ${CMAKE_BINARY_DIR}/docs/nvrig.bash)
file(MAKE_DIRECTORY ${CMAKE_BINARY_DIR}/docs)
add_custom_command(OUTPUT ${docs_man}
	COMMAND nvrig help --man > ${docs_man}.new
	COMMAND ${CMAKE_COMMAND} -E rename ${docs_man}.new ${docs_man}
	DEPENDS nvrig VERBATIM)
add_custom_command(OUTPUT ${docs_bash}
	COMMAND nvrig help --completion bash > ${docs_bash}.new
	COMMAND ${CMAKE_COMMAND} -E rename ${docs_bash}.new ${docs_bash}
	DEPENDS nvrig VERBATIM)
add_custom_target(docs ALL DEPENDS ${docs_man} ${docs_bash})

install(TARGETS nvrig RUNTIME DESTINATION ${CMAKE_INSTALL_BINDIR})
install(FILES ${docs_man} DESTINATION ${CMAKE_INSTALL_MANDIR}/man1)
install(FILES ${docs_bash} DESTINATION ${CMAKE_INSTALL_DATADIR}/bash-completion/completions
	RENAME nvrig)
install(DIRECTORY ${CMAKE_SOURCE_DIR}/configs/ DESTINATION ${CMAKE_INSTALL_DATADIR}/nvrig/configs)
