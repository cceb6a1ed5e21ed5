# Drives `ip -batch`: `up N`, `check`, `down`, each answered with `ok` or what went wrong.
# One batch makes namespaces, bridge and cables; one for each node configures it.
mount -t tmpfs tmpfs /run
folder=$(mktemp -d -p /run)

up() {
    {
        echo "link add br0 type bridge"
        echo "link set br0 up"
        i=1
        while [ $i -le "$1" ]; do
            echo "netns add n$i"
            echo "link add p$i type veth peer name eth0 netns n$i"
            echo "link set p$i group 7 master br0 up"
            i=$((i + 1))
        done
    } > "$folder/lab"
    ip -batch "$folder/lab" || return
    i=1
    while [ $i -le "$1" ]; do
        printf 'link set lo up\naddress add 10.0.%d.%d/16 broadcast + dev eth0\nlink set eth0 up\n' \
            $((i / 250)) $((i % 250 + 1)) | ip -netns n$i -batch - || return
        i=$((i + 1))
    done
}

check() {
    ip netns exec n1 ping -c 1 -W 5 10.0.$((nodes / 250)).$((nodes % 250 + 1)) > /dev/null
}

down() {
    {
        echo "link delete group 7"
        echo "link delete br0"
        i=1
        while [ $i -le "$nodes" ]; do
            echo "netns delete n$i"
            i=$((i + 1))
        done
    } > "$folder/lab"
    ip -batch "$folder/lab"
}

while read -r order number; do
    [ "$order" = up ] && nodes=$number
    if "$order" "$nodes" 2> "$folder/errors"; then
        echo ok
    else
        echo "$order: $(tr '\n' ' ' < "$folder/errors")"
    fi
done
