-- Tables, strings and closures that come and go under the garbage collector.
local function tree(depth)
    if depth == 0 then return {} end
    return { tree(depth - 1), tree(depth - 1) }
end
local function count(node)
    return node[1] and 1 + count(node[1]) + count(node[2]) or 1
end
local total, names = 0, {}
for depth = 4, 11 do
    total = total + count(tree(depth))
    for i = 1, 500 do
        names[#names + 1] = string.format("node-%d-%d", depth, i * i)
    end
end
table.sort(names)
local index = {}
for i, name in ipairs(names) do
    index[name] = { position = i, text = name:rep(i % 7), get = function() return i end }
end
for i = 1, #names, 2 do index[names[i]] = nil end
print(total, #table.concat(names, ","))
