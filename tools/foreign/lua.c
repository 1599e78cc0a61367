/* tools/foreign/lua.c - a main() for Debian's Lua library: lua [-e CHUNK | FILE] [ARGUMENT...].
 * Without a file, or with "-", the program is read from standard input. */
#include <stdio.h>
#include <string.h>

#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>

/* The global `arg`, as Lua's own interpreter sets it: arg[0] is the script. */
static void set_arguments(lua_State *lua, int argc, char **argv, int script)
{
    lua_createtable(lua, argc - script, script + 1);
    for (int i = 0; i < argc; i++) {
        lua_pushstring(lua, argv[i]);
        lua_rawseti(lua, -2, i - script);
    }
    lua_setglobal(lua, "arg");
}

int main(int argc, char **argv)
{
    lua_State *lua = luaL_newstate();
    int status;

    if (lua == NULL) {
        fprintf(stderr, "lua: not enough memory\n");
        return 1;
    }
    luaL_openlibs(lua);
    if (argc > 2 && strcmp(argv[1], "-e") == 0) {
        set_arguments(lua, argc, argv, 2);
        status = luaL_dostring(lua, argv[2]);
    } else {
        set_arguments(lua, argc, argv, argc > 1);
        status = luaL_dofile(lua, argc > 1 && strcmp(argv[1], "-") != 0 ? argv[1] : NULL);
    }
    if (status != LUA_OK)
        fprintf(stderr, "lua: %s\n", lua_tostring(lua, -1));
    lua_close(lua);
    return status == LUA_OK ? 0 : 1;
}
