package mlgraph.rmi;

import java.lang.reflect.Proxy;
import java.net.URI;
import java.rmi.registry.LocateRegistry;
import java.util.Hashtable;
import javax.naming.Context;
import javax.naming.Name;
import javax.naming.spi.ObjectFactory;

/**
 * Finds the names `rmi://host:port/name` in a registry, for nodetool: the Java runtime of the tests lacks the module
 * jdk.naming.rmi, which does that. The name of the class is that which javax.naming demands.
 */
public class rmiURLContextFactory implements ObjectFactory {
    @Override
    public Object getObjectInstance(Object found, Name name, Context context, Hashtable<?, ?> environment) {
        return Proxy.newProxyInstance(getClass().getClassLoader(), new Class<?>[] {Context.class}, (proxy, method, given) -> {
            if (!method.getName().equals("lookup")) return null;
            URI address = URI.create((String) given[0]);
            return LocateRegistry.getRegistry(address.getHost(), address.getPort()).lookup(address.getPath().substring(1));
        });
    }
}
