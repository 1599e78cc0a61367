/* Run a Lua file, with malloc() as its allocator. */
#include <lauxlib.h>
#include <lualib.h>

int main(int argc, char **argv)
{
    lua_State *state = luaL_newstate();
    if (argc != 2 || state == NULL)
        return 2;
    luaL_openlibs(state);
    int failed = luaL_dofile(state, argv[1]);
    lua_close(state);
    return failed;
}
