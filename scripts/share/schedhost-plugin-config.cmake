# find_package(schedhost-plugin) gives the target schedhost::plugin, and a function:
#     schedhost_add_plugin(hello hello.c)      libhello.so, with nothing exported but its entry
get_filename_component(_schedhost_prefix "${CMAKE_CURRENT_LIST_DIR}/../../.." ABSOLUTE)
if(NOT TARGET schedhost::plugin)
    add_library(schedhost::plugin INTERFACE IMPORTED)
    set_target_properties(schedhost::plugin PROPERTIES
        INTERFACE_INCLUDE_DIRECTORIES "${_schedhost_prefix}/include")
endif()
function(schedhost_add_plugin name)
    add_library(${name} MODULE ${ARGN})
    target_link_libraries(${name} PRIVATE schedhost::plugin)
    set_target_properties(${name} PROPERTIES C_VISIBILITY_PRESET hidden CXX_VISIBILITY_PRESET hidden)
endfunction()
unset(_schedhost_prefix)
